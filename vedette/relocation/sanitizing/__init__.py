"""Exports that may be given away: everything personal replaced, by an allow-list, and verified."""

from vedette.relocation.sanitizing.sanitizing import SanitizeResult, sanitize

__all__ = ["SanitizeResult", "sanitize"]
