"""Webhooks: telling other servers what happened to issues and deploys."""
