"""A Flask shop that fails on purpose. Environment: SENTRY_DSN, PORT."""

import os

import sentry_sdk
from flask import Flask

sentry_sdk.init(release="shop@1.4.0", environment="staging")
app = Flask(__name__)


class OutOfStock(Exception):
    """Nothing left."""


def reserve(article: str, wanted: int) -> int:
    left = 0
    if wanted > left:
        raise OutOfStock(f"{article}: {wanted} wanted, {left} left")
    return left - wanted


@app.get("/")
def home() -> str:
    return "open"


@app.get("/flush")
def flush() -> str:
    sentry_sdk.flush()
    return "sent"


@app.get("/order/<article>")
def order(article: str) -> str:
    sentry_sdk.set_tag("warehouse", "north")
    sentry_sdk.set_user({"id": "17", "email": "jane@example.com"})
    sentry_sdk.add_breadcrumb(category="cart", message="one lamp added", level="info")
    return str(reserve(article, 3))


if __name__ == "__main__":
    app.run(port=int(os.environ["PORT"]))
