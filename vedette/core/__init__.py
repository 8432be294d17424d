"""What every floor stands on: errors, the clock, ids, JSON, the environment, database idioms, counters."""
