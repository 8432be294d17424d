"""A stored event as values that templates print.

Event data is hostile and of any shape: `read_event` takes any JSON, never raises, and bounds what it returns.
Pure: no database, no clock, no Django.
"""

from vedette.web.eventview.event import EventView, read_event

__all__ = ["EventView", "read_event"]
