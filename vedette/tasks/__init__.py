"""The schedule: what is done again and again, and by whom this time; and work that waits for its turn."""
