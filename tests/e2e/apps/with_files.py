"""Reports a message with two files, and what somebody said about it; prints the event's id."""

import uuid

import sentry_sdk
from sentry_sdk.envelope import Envelope, Item, PayloadRef

sentry_sdk.init()  # the address is in SENTRY_DSN

with sentry_sdk.new_scope() as scope:
    scope.add_attachment(bytes=b"line one\nline two\n", filename="shop.txt")
    scope.add_attachment(bytes=b"\x89PNG\r\n\x1a\n" + bytes(64), filename="shot.png")
    event_id = sentry_sdk.capture_message("with files", level="error")

# This SDK has no call for feedback; its envelope and its transport carry any item.
said = {"message": "The picture shows it.", "name": "Kim", "contact_email": "kim@example.com"}
feedback = {
    "event_id": uuid.uuid4().hex,
    "type": "feedback",
    "contexts": {"feedback": {**said, "associated_event_id": event_id}},
}
item = Item(payload=PayloadRef(json=feedback), type="feedback")
sentry_sdk.get_client().transport.capture_envelope(Envelope(headers={"event_id": feedback["event_id"]}, items=[item]))
print(event_id)
sentry_sdk.flush(timeout=5)
