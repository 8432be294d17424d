"""Mail that is written down with its cause."""

import threading
from dataclasses import replace

import pytest
from django.db import connection, transaction

from tests.integration.mail.conftest import NOON, WAIT
from vedette.accounts.users import create_user
from vedette.mail.models import Mail
from vedette.mail.outbox import MOST_ITEMS, put
from vedette.tasks.models import ScheduledJob
from vedette.tasks.names import MAIL

pytestmark = pytest.mark.django_db


def test_what_is_undone_tells_nobody(mailbox, tell):
    with transaction.atomic():
        tell("one")
        transaction.set_rollback(True)

    assert not Mail.objects.exists()


def test_without_a_mail_server_nothing_is_kept(tell):
    tell("one")

    assert not Mail.objects.exists()


def test_what_happens_within_some_minutes_goes_into_one_mail_to_each(mailbox, tell, ann):
    bob = create_user("bob@example.com", None, verified=True)

    tell("one", ann, bob)
    tell("two", ann, at=NOON + WAIT / 2)

    assert list(Mail.objects.order_by("user_id").values_list("user_id", "items", "due_at")) == [
        (ann.pk, [{"text": "one"}, {"text": "two"}], NOON + WAIT),
        (bob.pk, [{"text": "one"}], NOON + WAIT),
    ]


def test_what_comes_when_the_mail_is_being_sent_waits_for_the_next_one(mailbox, tell, send):
    tell("one")
    send()
    tell("two", at=NOON + 2 * WAIT)

    assert [mail.due_at for mail in Mail.objects.filter(state=0)] == [NOON + 3 * WAIT]
    assert [one.message["Subject"] for one in mailbox.delivered] == ["one"]


def test_a_mail_has_room_for_so_much_and_counts_the_rest(mailbox, tell):
    for number in range(MOST_ITEMS + 2):
        tell(str(number))

    mail = Mail.objects.get()
    assert (len(mail.items), mail.left_out) == (MOST_ITEMS, 2)


def test_a_kind_that_does_not_wait_is_sent_at_once(mailbox, kind, ann):
    ScheduledJob.objects.create(name=MAIL, every_seconds=60, due_at=NOON + WAIT)

    with transaction.atomic():
        put(replace(kind, wait=NOON - NOON), [ann.pk], {"text": "one"}, NOON)

    assert ScheduledJob.objects.get().due_at == NOON
    assert Mail.objects.get().due_at == NOON


@pytest.mark.django_db(transaction=True)
def test_of_many_that_tell_the_same_people_at_once_all_are_heard(mailbox, kind, ann):
    people = [ann, *(create_user(f"p{number}@example.com", None, verified=True) for number in range(3))]
    together, failures = threading.Barrier(4), []

    def node(number):
        try:
            together.wait()
            for round_ in range(3):
                with transaction.atomic():
                    put(kind, [user.pk for user in people], {"text": f"{number}.{round_}"}, NOON)
        except Exception as error:  # noqa: BLE001 (told below)
            failures.append(error)
        finally:
            connection.close()

    threads = [threading.Thread(target=node, args=(number,)) for number in range(4)]
    for thread in threads:
        thread.start()
    for thread in threads:
        thread.join()

    assert failures == []
    said = {f"{number}.{round_}" for number in range(4) for round_ in range(3)}
    for mail in Mail.objects.all():
        assert {item["text"] for item in mail.items} == said
    assert Mail.objects.count() == len(people)
