"""A door: SDK traffic into the spool, and nothing else."""
