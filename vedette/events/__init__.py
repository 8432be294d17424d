"""The event store: SQL migrations, writer, queries, and chDB behind its loopback front."""
