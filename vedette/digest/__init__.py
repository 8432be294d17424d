"""From spooled bytes to issues: prepare (pure), then commit (the only writer of a batch)."""
