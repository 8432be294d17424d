"""Secrets out of an event. Pure; no Django."""
