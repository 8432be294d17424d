"""From an event to its fingerprint, its hashes, and the reason why. Pure; no Django."""
