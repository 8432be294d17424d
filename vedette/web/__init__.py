"""A door: the pages that people look at."""
