"""Filters of the templates of mails."""
