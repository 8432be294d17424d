"""What a spool holds: the bytes of one accepted request, and a receipt that says where they came from."""

from dataclasses import dataclass, field


@dataclass(frozen=True, slots=True)
class Receipt:
    """Who sent a request, to whom, when. Everything the digest needs that is not in the body.

    `received_at` is a Unix time in seconds. `kind` is how the body is read: "envelope", "dialog" (an envelope made of
    the crash-report dialog's form), "store", or "outcomes" (a JSON list of counted refusals, made by the front itself).
    `encoding` is the Content-Encoding as received ("" for none; several, comma separated). `event_id` is the id that
    was answered to the sender, 32 hex digits.
    `refused` holds the indexes of items that a rate limit took out, each with its reason code.
    """

    organization_id: int
    project_id: int
    key_id: int
    received_at: float
    kind: str = "envelope"
    encoding: str = ""
    client: str = ""
    user_agent: str = ""
    remote_addr: str = ""
    event_id: str | None = None
    refused: tuple[tuple[int, str], ...] = field(default=())


@dataclass(frozen=True, slots=True)
class SpooledEnvelope:
    """One accepted request at its place in a stream. `position` grows by arrival and never repeats in a stream."""

    position: int
    receipt: Receipt
    body: bytes
