"""Names of jobs that others make due at once (`hasten`); the table of all jobs is `vedette.cli.jobs`."""

DELETIONS = "deletions"
FETCH_COMMITS = "fetch-commits"
MERGES = "merges"
MAIL = "mail"
WEBHOOKS = "webhooks"
MOVES = "moves"
UNMERGES = "unmerges"
