"""A door: probes, metrics, and the checks behind `vedette doctor`."""
