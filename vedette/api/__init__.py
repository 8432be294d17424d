"""A door: /api/0/, one module per resource, thin."""
