"""Organizations, members, teams, roles, the audit log."""
