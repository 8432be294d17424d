"""A Django shop in one file that fails on purpose. Environment: SENTRY_DSN, PORT."""

import logging
import os
from wsgiref.simple_server import make_server

import django
import sentry_sdk
from django.conf import settings
from django.core.wsgi import get_wsgi_application
from django.http import HttpRequest, HttpResponse
from django.urls import path

sentry_sdk.init(release="shop@2.0.1", environment="production")
settings.configure(SECRET_KEY="for this test", ROOT_URLCONF=__name__, ALLOWED_HOSTS=["*"], USE_TZ=True)
django.setup()

log = logging.getLogger("shop.stock")


class PaymentRefused(Exception):
    """The bank said no."""


def ask_bank(amount: int) -> None:
    raise ConnectionError(f"bank.example.com does not answer for {amount}")


def home(request: HttpRequest) -> HttpResponse:
    return HttpResponse("open")


def pay(request: HttpRequest, order_id: int) -> HttpResponse:
    try:
        ask_bank(amount=4200)
    except ConnectionError as error:
        raise PaymentRefused(f"order {order_id} was not paid") from error
    return HttpResponse("paid")


def count(request: HttpRequest) -> HttpResponse:
    log.error("shelf %s holds %d lamps less than expected", "A7", 3)
    return HttpResponse("counted")


urlpatterns = [path("", home), path("orders/<int:order_id>/pay", pay), path("count", count)]

if __name__ == "__main__":
    with make_server("127.0.0.1", int(os.environ["PORT"]), get_wsgi_application()) as server:
        server.serve_forever()
