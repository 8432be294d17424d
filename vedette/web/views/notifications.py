"""What a person is told by mail: their choice, and the page behind the links that every mail ends in."""

from django.conf import settings
from django.http import HttpRequest, HttpResponse
from django.urls import reverse
from django.views.decorators.cache import never_cache
from django.views.decorators.csrf import csrf_exempt
from django.views.decorators.http import require_http_methods

from vedette.accounts.models import User
from vedette.mail.addresses import address_of
from vedette.mail.preferences import NEVER, PREFERENCES, choices_of, choose
from vedette.mail.unsubscribe import read_token
from vedette.web.doors import public_page, signed_in, signed_in_page
from vedette.web.forms import NotificationsForm
from vedette.web.rendering import done, organizations_of, page


@require_http_methods(["GET", "POST"])
@signed_in_page
def notifications(request: HttpRequest) -> HttpResponse:
    """Choose what to be told."""
    user = signed_in(request)
    form = NotificationsForm(request.POST or None, initial=choices_of(user.pk))
    if request.method == "POST" and form.is_valid():
        for preference in PREFERENCES:
            choose(user.pk, preference, form.cleaned_data[preference.kind])
        return done(request, "Your choice is kept.", reverse("web:notifications"))
    context = {
        "form": form,
        "address": address_of(user),
        "sends_mail": settings.VEDETTE.sends_mail,
        "organization": next(iter(organizations_of(user)), None),
    }
    return page(request, "web/notifications.html", context, status=400 if form.errors else 200)


@csrf_exempt  # whoever sends the form shows a signed link, and programs that read mail send it without a page of ours
@never_cache
@require_http_methods(["GET", "POST"])
@public_page
def unsubscribe(request: HttpRequest, token: str) -> HttpResponse:
    """Stop a kind of mail, by the link of a mail and without a sign-in. Looking at the page changes nothing: programs
    look at links before people do. It names nobody, since mail is handed on."""
    meant = read_token(token)
    if meant is None or not User.objects.filter(pk=meant[0]).exists():
        return page(request, "web/unsubscribe.html", {"preference": None}, status=404)
    user_id, preference = meant
    if request.method == "POST":
        choose(user_id, preference, NEVER)
    is_off = choices_of(user_id)[preference.kind] == NEVER
    return page(request, "web/unsubscribe.html", {"preference": preference, "is_off": is_off})
