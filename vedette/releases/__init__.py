"""Releases of an organization's software: version strings, environments they reached, their age."""
