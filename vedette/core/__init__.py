"""What every floor stands on: errors, the clock, ids, JSON, database idioms, counters."""
