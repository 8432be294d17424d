"""A kind of mail that says what it is given, and somebody to read it."""

from datetime import UTC, datetime, timedelta

import pytest
from django.db import transaction

from vedette.accounts.users import create_user
from vedette.mail.letters import Letter
from vedette.mail.outbox import Kind, put
from vedette.mail.preferences import DEPLOYS
from vedette.mail.sending import send_due

NOON = datetime(2026, 3, 2, 12, tzinfo=UTC)
WAIT = timedelta(minutes=5)


@pytest.fixture
def ann(db):
    return create_user("ann@example.com", None, name="Ann", verified=True)


@pytest.fixture
def kind():
    """Its subject names the items."""

    def compose(user, items, left_out):
        told = [item["text"] for item in items if item["text"]]
        if not told:
            return None
        return Letter(", ".join(told), "deploys", {"deploys": [], "left_out": left_out})

    return Kind(DEPLOYS, WAIT, compose)


@pytest.fixture
def tell(kind, ann):
    """Have people told of something at a moment."""

    def _tell(text, *users, at=NOON):
        with transaction.atomic():
            put(kind, [user.pk for user in users or (ann,)], {"text": text}, at)

    return _tell


@pytest.fixture
def send(kind):
    """Run the job at a moment."""
    return lambda at=NOON + WAIT: send_due([kind], at)
