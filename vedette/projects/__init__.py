"""Projects, their keys (the DSN), environments and options."""
