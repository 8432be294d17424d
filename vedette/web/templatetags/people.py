"""People on pages."""

from typing import Any

from django import template

from vedette.accounts.models import User
from vedette.orgs import services
from vedette.web.faces import Face, face_of

register = template.Library()


@register.inclusion_tag("web/_face.html")
def face(who: User | Face | None, large: bool = False) -> dict[str, Any]:
    """`{% face user %}`: the round sign of a user, with the picture or the initials; of nobody a question mark."""
    shown = face_of(who) if isinstance(who, User) else who or Face("", "")
    return {"face": shown, "large": large}


@register.filter
def may_create_organizations(user: object) -> bool:
    """Whether the visitor makes organizations on this server."""
    return isinstance(user, User) and services.may_create_organizations(user)
