"""Tells Django about this room."""

from django.apps import AppConfig


class AccountsConfig(AppConfig):
    """The `accounts` application."""

    name = "vedette.accounts"
    label = "accounts"
