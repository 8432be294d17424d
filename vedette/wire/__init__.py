"""The protocol: envelopes, items, DSNs, auth headers, outcomes, rate-limit headers. Pure; no Django."""
