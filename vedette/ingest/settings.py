"""What the front tells ingest; the environment is read elsewhere."""

from dataclasses import dataclass

from vedette.wire.store import STORE_LIMIT_BYTES

MIB = 1024 * 1024


@dataclass(frozen=True, slots=True)
class IngestSettings:
    """Limits of the door. Body limits count plain bytes and bound what comes over the wire as well.

    `inflight_limit_bytes` bounds the bodies that are being received or wait for the disk, all together, once more what
    they and the dumps in them are unpacked to, and once more the envelopes that are made of forms and dumps.
    `anonymous_limit_bytes` bounds the bodies of senders who are not known yet, one and all; `body_seconds` is how long
    a sender may take for one body.
    """

    trust_proxy: bool = False
    envelope_limit_bytes: int = 200 * MIB
    store_limit_bytes: int = STORE_LIMIT_BYTES
    inflight_limit_bytes: int = 256 * MIB
    anonymous_limit_bytes: int = 32 * MIB
    body_seconds: float = 60.0
