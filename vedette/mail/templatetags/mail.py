"""Filters of the templates of mails. HTML is escaped by Django, in `.html` as everywhere; plain text is not."""

import re

from django import template

from vedette.core.text import clip, visible

LONGEST = 500
_SPACES = re.compile(r"\s+")

register = template.Library()


@register.filter
def plain(value: object) -> str:
    """Text of strangers as one line of a bounded length with nothing invisible in it."""
    return clip(visible(_SPACES.sub(" ", str(value)).strip()), LONGEST)
