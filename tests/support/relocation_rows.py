"""The values of one row of an export file: as odd as they come, and what the model demands where it demands something.

Used by `tests.support.relocation`, which puts rows together.
"""

import hashlib
import json
import random
import uuid
from collections.abc import Callable
from dataclasses import dataclass
from datetime import UTC, datetime, timedelta
from typing import Any

from vedette.core.relocation import Encoding
from vedette.relocation.graph import graph

Fields = dict[str, Any]

# How many rows a family has of each model; 2 of those that are not named.
ROWS = {
    "sentry.organization": 1,
    "sentry.datasecrecywaiver": 1,
    "sentry.authprovider": 1,
    "sentry.organizationmember": 3,
    "sentry.email": 3,
    "sentry.useremail": 3,
    "sentry.useroption": 4,
}
_FIRST_DAY = datetime(2023, 6, 22, 22, 59, 55, tzinfo=UTC)
_ODD_TEXT = "Zürich “quoted” → 日本 😀 \\ / \t"
ODD_JSON: dict[str, Any] = {
    "": "empty name",
    "deep": {"list": [1, -2.5, True, None, {"ключ": ["значение"]}], "empty": [{}, []]},
    "large": 9007199254740993,
    "text": "\u2028 & <b>",
}
_OPTIONS: tuple[Any, ...] = (12, '"Europe/Vienna"', True, '["*", {"é": null}]', '{"a": {"b": [1.5, "x"]}}', None, '""')


@dataclass(frozen=True)
class Place:
    """Which row of which family is being made: `at` counts them within the family."""

    family: int
    at: int
    model: str

    @property
    def tag(self) -> str:
        """Unlike that of any other row of the model."""
        return f"{self.family}{self.at}"

    @property
    def is_full(self) -> bool:
        """Whether every key is set; other rows leave out what they may."""
        return self.at == 0

    def other(self, model: str) -> int:
        """The pk of the row of `model` (without `sentry.`) that stands beside this one."""
        wire = model if "." in model else f"sentry.{model}"
        return pk_of(Place(self.family, min(self.at, ROWS.get(wire, 2) - 1), wire))

    def hex(self, length: int, salt: str = "") -> str:
        """Hexadecimal digits that no other row has."""
        return hashlib.sha256(f"{self.model} {self.tag} {salt}".encode()).hexdigest()[:length]

    def uuid4(self) -> str:
        """A random UUID that is the same every time."""
        return str(uuid.UUID(int=random.Random(self.hex(8)).getrandbits(128), version=4))


def pk_of(place: Place) -> int:
    """Sparse, ascending, and different from model to model."""
    start = 11 + 1000 * graph().order.index(place.model)
    if place.model == "sentry.project":
        start = 4_500_000_000_000_000
    return start + 100 * place.family + 7 * place.at


def _text(place: Place, name: str) -> str:
    """Short enough for any column, and unlike that of any other row."""
    return f"{name[:12]} {place.tag} {_ODD_TEXT if place.is_full else ''}"[:64].strip()


def _moment(place: Place, name: str) -> str:
    moment = _FIRST_DAY + timedelta(days=place.family, hours=place.at, minutes=len(name))
    return f"{moment:%Y-%m-%dT%H:%M:%S}.{'488' if place.is_full else '000'}Z"


def _option(place: Place, _: str) -> Any:
    return _OPTIONS[(place.family * 3 + place.at + graph().order.index(place.model)) % len(_OPTIONS)]


BY_ENCODING: dict[Encoding, Callable[[Place, str], Any]] = {
    Encoding.TEXT: _text,
    Encoding.EMAIL: lambda place, _: f"person-{place.tag}@example.com",
    Encoding.INTEGER: lambda place, _: 2 * place.family + place.at,
    Encoding.FLOAT: lambda place, _: 100.0 if place.is_full else 0.25,
    Encoding.BOOLEAN: lambda place, _: place.is_full,
    Encoding.MOMENT: _moment,
    Encoding.UUID: lambda place, _: place.uuid4(),
    Encoding.BITS: lambda place, _: "10" if place.is_full else "0",
    Encoding.JSON: lambda place, _: ODD_JSON if place.is_full else {},
    Encoding.OPTION: _option,
    Encoding.JSON_TEXT: lambda place, _: json.dumps(ODD_JSON, separators=(",", ":")),
    Encoding.LITERAL_LIST: lambda place, _: "['event:read', 'it\\'s']" if place.is_full else "[]",
    Encoding.TEXT_LIST: lambda place, _: '["count()", "p95(ü)"]' if place.is_full else None,
}


def _django_password(place: Place) -> str:
    return f"pbkdf2_sha256$1000$salt{place.tag}${place.hex(43)}="


def _address(place: Place) -> str:
    return f"second-{place.family}@example.com" if place.at == 2 else f"person-{place.tag}@example.com"


def _target(place: Place) -> Fields:
    """Whom an action tells: a team or a user by its id as text, or a channel by name (target types 2, 1 and 0)."""
    if place.is_full:
        return {"target_type": 2, "target_identifier": str(place.other("team")), "type": 0}
    if place.family == 0:
        return {"target_type": 1, "target_identifier": str(place.other("user")), "type": 0}
    return {"target_type": 0, "target_identifier": "#alerts", "target_display": "#alerts", "type": 1}


def _member(place: Place) -> Fields:
    """An owner, a member, and an invitation."""
    common = {"status": 0, "type": 50, "invite_status": 0, "flags": "1", "user_is_active": True}
    if place.at == 2:
        return common | {
            "email": f"invited-{place.family}@example.com",
            "user_id": None,
            "user_email": None,
            "inviter_id": place.other("user"),
            "token": place.hex(64),
            "role": "member",
        }
    return common | {
        "email": None,
        "user_id": place.other("user"),
        "user_email": _address(place),
        "token": None,
        "token_expires_at": None,
        "role": "owner" if place.is_full else "member",
    }


def _user_option(place: Place) -> Fields:
    """For one organization, everywhere, for one project, and everywhere again."""
    keys = ("self_notifications", "timezone", "mail:email", "theme")
    values = ('"1"', '"Europe/Vienna"', f'"{_address(place)}"', '"dark"')
    return {
        "key": keys[place.at],
        "value": values[place.at],
        "organization_id": place.other("organization") if place.at == 0 else None,
        "project_id": place.other("project") if place.at == 2 else None,
    }


def _token(place: Place) -> Fields:
    token, refresh = place.hex(64, "token"), place.hex(64, "refresh")
    return {
        "token": token if place.is_full else None,
        "hashed_token": hashlib.sha256(token.encode()).hexdigest(),
        "refresh_token": refresh if place.is_full else None,
        "hashed_refresh_token": hashlib.sha256(refresh.encode()).hexdigest() if place.is_full else None,
        "token_last_characters": token[-4:],
        "token_type": "sntryu_" if place.is_full else None,
        "expires_at": _moment(place, "expires") if place.is_full else None,
        "name": "Zürich" if place.is_full else None,
    }


def _rule_data(place: Place) -> str:
    action = {
        "id": "sentry.mail.actions.NotifyEmailAction",
        "targetType": "Team",
        "targetIdentifier": place.other("team"),
        "é": None,
    }
    return json.dumps({"match": "all", "conditions": [], "actions": [action], "frequency": 30}, separators=(",", ":"))


def _either(place: Place, first: str, second: str, model: str) -> Fields:
    """One of two keys, so that both are set somewhere."""
    return {first: None, second: place.other(model)} if not place.is_full else {second: None}


OWN: dict[str, Callable[[Place], Fields]] = {
    "sentry.organization": lambda p: {"slug": f"family-{p.family}", "default_role": "member", "status": 0},
    "sentry.team": lambda p: {"slug": f"team-{p.tag}", "status": 0},
    "sentry.project": lambda p: {
        "slug": f"project-{p.tag}",
        "status": 0,
        "public": False,
        "forced_color": "aabbcc" if p.is_full else None,
        "platform": "python-django" if p.is_full else None,
        "first_event": _moment(p, "first") if p.is_full else None,
    },
    "sentry.user": lambda p: {
        "username": f"person-{p.tag}",
        "password": _django_password(p),
        "session_nonce": p.hex(12) if p.is_full else None,
        "avatar_type": 2 if p.is_full else 0,
        "avatar_url": "https://example.com/a.png?ü=1" if p.is_full else None,
        "flags": "0",
        "is_active": True,
        "is_managed": False,
        "is_password_expired": False,
        "is_sentry_app": False,
        "is_unclaimed": False,
        "last_login": _moment(p, "login") if p.is_full else None,
    },
    "sentry.email": lambda p: {"email": _address(p)},
    "sentry.useremail": lambda p: {"email": _address(p), "validation_hash": p.hex(32)},
    "sentry.userip": lambda p: {
        "ip_address": f"127.{p.family}.0.1" if p.is_full else f"2001:db8::{p.family}",
        "country_code": "AT",
        "region_code": "9",
    },
    "sentry.userpermission": lambda p: {"permission": "users.admin" if p.is_full else "broadcasts.admin"},
    "sentry.useroption": _user_option,
    "sentry.authenticator": lambda p: {
        "type": p.at,
        "config": '{"secret": "JBSWY3DPEHPK3PXP"}' if p.at else '{"salt": "ab", "used": 0}',
    },
    "sentry.apitoken": _token,
    "sentry.organizationmember": _member,
    "sentry.organizationmemberteam": lambda p: {"role": "admin" if p.is_full else None, "is_active": True},
    "sentry.orgauthtoken": lambda p: {
        "token_hashed": p.hex(64),
        "token_last_characters": p.hex(4),
        "scope_list": "['org:ci']",
        "date_deactivated": _moment(p, "deactivated") if p.is_full else None,
        "date_last_used": _moment(p, "used") if p.is_full else None,
    },
    "sentry.projectkey": lambda p: {
        "public_key": p.hex(32, "public"),
        "secret_key": p.hex(32, "secret"),
        "roles": "3" if p.is_full else "1",
        "status": 0,
        "use_case": "user",
        "rate_limit_count": 7 if p.is_full else None,
        "rate_limit_window": 60 if p.is_full else None,
    },
    "sentry.environment": lambda p: {"name": "production" if p.is_full else ""},
    "sentry.environmentproject": lambda p: {"is_hidden": True if p.is_full else None},
    "sentry.repository": lambda p: {
        "name": f"acme/shop-{p.tag}",
        "status": 0,
        "url": f"https://example.com/acme/{p.tag}" if p.is_full else None,
        "provider": "integrations:github" if p.is_full else None,
        "external_id": f"ext-{p.tag}" if p.is_full else None,
        "languages": "['python', 'c++']",
    },
    "sentry.relay": lambda p: {"relay_id": p.uuid4(), "public_key": p.hex(43)},
    "sentry.relayusage": lambda p: {"relay_id": p.uuid4(), "public_key": p.hex(43), "version": "24.5.0"},
    "sentry.recentsearch": lambda p: {"query_hash": p.hex(32)},
    "sentry.savedsearch": lambda p: {"is_global": False} if p.is_full else {"is_global": True},
    "sentry.monitor": lambda p: {
        "slug": f"monitor-{p.tag}",
        "owner_team_id": p.other("team") if p.is_full else None,
        "config": {"schedule_type": 1, "schedule": "0 0 * * *", "alert_rule_id": p.other("rule")} if p.is_full else {},
    },
    "sentry.dashboardtombstone": lambda p: {"slug": f"gone-{p.tag}"},
    "sentry.dashboard": lambda p: {"filters": {"project": [p.other("project")]} if p.is_full else {}},
    "sentry.projectredirect": lambda p: {"redirect_slug": f"moved-{p.tag}"},
    "sentry.projectbookmark": lambda p: {"project": p.other("project")},
    "sentry.querysubscription": lambda p: {"subscription_id": f"{p.tag}/{p.hex(32)}", "status": 0, "type": "incidents"},
    "sentry.rule": lambda p: {"data": _rule_data(p)},
    "sentry.rulesnooze": lambda p: _either(p, "alert_rule", "rule", "rule"),
    "sentry.notificationaction": _target,
    "sentry.alertrule": lambda p: {"organization": p.other("organization"), "snuba_query": p.other("snubaquery")},
    "sentry.alertruletriggeraction": _target,
    "sentry.incident": lambda p: {"identifier": p.at + 1},
    "sentry.timeseriessnapshot": lambda p: {"values": "[[1.0, 2.0], [3.0, 4.5]]" if p.is_full else "[]"},
    "sentry.integration": lambda p: {"provider": "github", "external_id": p.tag, "status": 0},
    "sentry.apikey": lambda p: {"key": p.hex(32)},
    "sentry.apiapplication": lambda p: {"client_id": p.hex(64), "client_secret": p.hex(64, "secret"), "status": 0},
    "sentry.sentryapp": lambda p: {
        "slug": f"app-{p.tag}",
        "uuid": p.uuid4(),
        "creator_label": _address(p),
        "date_deleted": None if p.is_full else _moment(p, "deleted"),
    },
    "sentry.sentryappinstallation": lambda p: {
        "uuid": p.uuid4(),
        "date_deleted": None if p.is_full else _moment(p, "deleted"),
    },
    "sentry.servicehook": lambda p: {
        "guid": p.hex(32),
        "secret": p.hex(64),
        "url": "https://example.com/hook",
        "actor_id": p.other("user"),
        "status": 0,
        "version": 0,
    },
    "workflow_engine.detector": lambda p: {
        "organization": p.other("organization"),
        "type": "error",
        "config": ODD_JSON,
        "enabled": True,
    },
    "workflow_engine.alertruleworkflow": lambda p: _either(p, "alert_rule", "rule", "rule"),
    "workflow_engine.alertruledetector": lambda p: _either(p, "alert_rule", "rule", "rule"),
    "workflow_engine.datasource": lambda p: {
        "source_id": str(p.other("querysubscription")),
        "type": "snuba_query_subscription",
    },
    "workflow_engine.datacondition": lambda p: {"comparison": {"value": 5}, "type": "eq", "condition_result": 75},
    "workflow_engine.dataconditiongroup": lambda p: {"logic_type": "any" if p.is_full else "all"},
    "sentry.dashboardpermissions": lambda p: {"is_editable_by_everyone": p.is_full},
}
