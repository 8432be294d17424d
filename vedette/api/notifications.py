"""What the person who asks is told by mail."""

from typing import Any, TypedDict

from rest_framework import serializers
from rest_framework.exceptions import NotAuthenticated
from rest_framework.request import Request
from rest_framework.response import Response

from vedette.accounts.models import User
from vedette.api.bodies import Wish, read
from vedette.api.endpoint import Endpoint
from vedette.api.operations import Caller, Operation, operation
from vedette.mail.preferences import DEPLOYS, FETCHES, PREFERENCES, choices_of, choose


class NotificationsShape(TypedDict):
    """What a person chose, defaults filled in."""

    deployNotifications: str
    fetchNotifications: str


class NotificationsWish(Wish):
    """What a person wants to be told. What is not named stays."""

    deployNotifications = serializers.ChoiceField(choices=DEPLOYS.choices, required=False)
    fetchNotifications = serializers.ChoiceField(choices=FETCHES.choices, required=False)


class MyNotifications(Endpoint):
    """What the person who asks is told by mail."""

    tag = "Identity"

    @operation(Operation("getMyNotifications", caller=Caller.USER, answers=NotificationsShape))
    def get(self, request: Request) -> Response:
        """What the user of the credential is told by mail."""
        return Response(_shape(self._person()))

    @operation(Operation("setMyNotifications", caller=Caller.USER, takes=NotificationsWish, answers=NotificationsShape))
    def put(self, request: Request) -> Response:
        """Choose what the user of the credential is told by mail."""
        person, wish = self._person(), read(NotificationsWish, request.data)
        for preference in PREFERENCES:
            if preference.field in wish:
                choose(person.pk, preference, wish[preference.field])
        return Response(_shape(person))

    def _person(self) -> User:
        if self.user is None:
            raise NotAuthenticated
        return self.user


def _shape(user: User) -> dict[str, Any]:
    chosen = choices_of(user.pk)
    return {preference.field: chosen[preference.kind] for preference in PREFERENCES}
