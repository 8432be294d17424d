"""Shipping: creating a release, its commits, refs and deploys, and resolving the issues that they fix."""
