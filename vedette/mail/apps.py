"""Tells Django about this room."""

from django.apps import AppConfig


class MailConfig(AppConfig):
    """The `mail` application."""

    name = "vedette.mail"
    label = "mail"
