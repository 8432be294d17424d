"""A door: the `vedette` command."""
