"""Trusted relays: the public keys of relays that an organization runs itself.

They are kept and told, so that settings survive; nothing in Vedette asks for them yet. Source: the release
specification, section 20, step 3.
"""

import base64
import binascii
from collections.abc import Sequence
from dataclasses import asdict, dataclass, replace
from datetime import datetime
from typing import Any

from vedette.core.clock import as_z
from vedette.core.errors import RuleBroken
from vedette.orgs.models import Organization, OrganizationOption

FIELD = "trustedRelays"
KEY = "sentry:trusted-relays"
MOST = 100
LONGEST_NAME, LONGEST_DESCRIPTION = 64, 512
_KEY_BYTES = 32  # of an Ed25519 key, in base64url without padding


@dataclass(frozen=True, slots=True)
class TrustedRelay:
    """One relay; moments end in Z, empty where nobody knows them."""

    public_key: str
    name: str
    description: str
    created: str = ""
    last_modified: str = ""


def relays_of(organization: Organization) -> list[TrustedRelay]:
    """The relays as they are stored; what is stored and is none is passed over."""
    row = OrganizationOption.objects.filter(organization=organization, key=KEY).values_list("value", flat=True).first()
    listed = row if isinstance(row, list) else []
    return [_stored(one) for one in listed if isinstance(one, dict) and isinstance(one.get("public_key"), str)]


def set_relays(organization: Organization, value: Any, now: datetime) -> str | None:
    """Make the relays those of `value`, a list of objects; what the audit log says of the change, None if there is
    none.

    What is known keeps the moment of its creation, and that of its last change unless it is called otherwise now.
    Raises `RuleBroken`.
    """
    before = relays_of(organization)
    known = {relay.public_key: relay for relay in before}
    after = [_dated(relay, known.get(relay.public_key), as_z(now)) for relay in _read(value)]
    if {relay.public_key: relay for relay in after} == known:
        return None
    OrganizationOption.objects.update_or_create(
        organization=organization, key=KEY, defaults={"value": [asdict(relay) for relay in after]}
    )
    return f"from {_told(before)} to {_told(after)}" if before else f"to {_told(after)}"


def _dated(relay: TrustedRelay, before: TrustedRelay | None, now: str) -> TrustedRelay:
    if before is None:
        return replace(relay, created=now, last_modified=now)
    same = (before.name, before.description) == (relay.name, relay.description)
    return replace(relay, created=before.created, last_modified=before.last_modified if same else now)


def _read(value: Any) -> list[TrustedRelay]:
    if not isinstance(value, list):
        raise RuleBroken({FIELD: ["Expected a list of relays."]})
    if len(value) > MOST:
        raise RuleBroken({FIELD: [f"{len(value)} relays, {MOST} are allowed."]})
    found = [_relay(one) for one in value]
    keys = [relay.public_key for relay in found]
    if twice := next((key for key in keys if keys.count(key) > 1), None):
        raise RuleBroken({FIELD: [f"Duplicated key in Trusted Relays: '{twice}'"]})
    return found


def _relay(value: Any) -> TrustedRelay:
    if not isinstance(value, dict):
        raise RuleBroken({FIELD: ["A relay is an object with publicKey, name and description."]})
    key = value.get("publicKey", value.get("public_key"))
    if not isinstance(key, str) or not _is_key(key.strip()):
        raise RuleBroken({FIELD: ["Relay key info with invalid public key."]})
    name = _text(value, "name", LONGEST_NAME)
    if not name:
        raise RuleBroken({FIELD: ["Relay key info with missing name."]})
    return TrustedRelay(key.strip(), name, _text(value, "description", LONGEST_DESCRIPTION))


def _text(value: dict[str, Any], name: str, longest: int) -> str:
    text = value.get(name)
    if text is None:
        return ""
    if not isinstance(text, str) or len(text.strip()) > longest:
        raise RuleBroken({FIELD: [f"The {name} of a relay is a text of at most {longest} characters."]})
    return text.strip()


def _is_key(text: str) -> bool:
    try:
        return len(base64.b64decode(text + "=" * (-len(text) % 4), altchars=b"-_", validate=True)) == _KEY_BYTES
    except (binascii.Error, ValueError):
        return False


def _stored(value: dict[str, Any]) -> TrustedRelay:
    names = ("public_key", "name", "description", "created", "last_modified")
    return TrustedRelay(*(str(value.get(name) or "") for name in names))


def _told(relays: Sequence[TrustedRelay]) -> str:
    """For the audit log: public keys are no secret."""
    return f"[{', '.join(f'{relay.name} ({relay.public_key})' for relay in relays)}]"
