"""Benchmarks: `make bench`. Each prints one JSON line, and the ratio that matters is in it."""
