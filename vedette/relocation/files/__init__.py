"""The bytes of an export: reading, writing, sealing them, and saying what is wrong with them. Knows no Django."""
