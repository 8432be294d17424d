"""A page on which options are set: the form as it stands, or the answer to what was saved."""

from collections.abc import Callable
from typing import Any, TypeVar

from django.http import HttpRequest, HttpResponse

from vedette.core.errors import RuleBroken
from vedette.web.rendering import done
from vedette.web.settingforms import OptionsForm

Form = TypeVar("Form", bound=OptionsForm)


def options_page(
    request: HttpRequest,
    kind: type[Form],
    values: dict[str, Any],
    change: Callable[[dict[str, Any]], object],
    said: str,
) -> Form | HttpResponse:
    """The form to show, with what is wrong in it; or, once `change` has saved what was sent, the way back to the page.

    `change` gets the changes by their API names, says what it changed (nothing is false) and may raise `RuleBroken`,
    which is told in the form. `said` is the sentence about changes that were made.
    """
    form = kind(request.POST if request.method == "POST" else None, values=values)
    if request.method != "POST" or not form.is_valid():
        return form
    try:
        told = change(form.changes)
    except RuleBroken as broken:
        form.blame(broken)
        return form
    return done(request, said if told else "Nothing has changed.", request.get_full_path())
