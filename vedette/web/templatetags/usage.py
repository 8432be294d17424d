"""Amounts: counts, and bytes where bytes are counted."""

from django import template
from django.template.defaultfilters import filesizeformat

from vedette.web.text import brief_number

register = template.Library()


@register.filter
def amount(value: int, is_bytes: bool = False) -> str:
    """A count in at most five characters, or a size."""
    return filesizeformat(value) if is_bytes else brief_number(value)
