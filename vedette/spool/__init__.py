"""Accepted bytes on this node's disk until they are digested. SQLite files; no Django."""
