"""Export files of any size for measuring: `python -m bench.relocationfile ROWS DEST`.

The mix is that of a busy installation: many small organizations, each with people, teams, projects with keys and
options, alerts, dashboards, monitors and saved searches, and what an instance keeps for itself. Rows stand in canonical
order and every reference resolves, so that nothing is dropped in Global scope. The same number of rows gives the same
bytes. Source: the relocation specification, 1, 5.3 and appendix A.
"""

import argparse
import sys
from collections.abc import Callable, Iterator
from contextlib import ExitStack
from dataclasses import dataclass
from pathlib import Path
from typing import Any, BinaryIO

import orjson

Fields = dict[str, Any]
Make = Callable[[int, int, int], Fields]  # organization (from 0), number within it (from 0), pk

_MULTIPLIER = 0x9E3779B97F4A7C15F39CC0605CEDC835  # odd, so that no two numbers meet
_WORDS = "checkout search billing catalog gateway worker mobile profile export report invoice stream".split()
_FIRST = "Ada Grace Alan Edsger Barbara Donald Frances Ken Radia Linus Margaret Niklaus".split()
_LAST = "Lovelace Hopper Turing Dijkstra Liskov Knuth Allen Thompson Perlman Torvalds Hamilton Wirth".split()


def _hex(number: int, salt: int = 0, digits: int = 32) -> str:
    return (
        f"{(number * 64 + salt + 1) * _MULTIPLIER % 2**128:032x}"[:digits] if digits <= 32 else _long_hex(number, salt)
    )


def _long_hex(number: int, salt: int) -> str:
    return _hex(number, salt) + _hex(number, salt + 1)


def _uuid(number: int, salt: int = 0) -> str:
    text = _hex(number, salt)
    return f"{text[:8]}-{text[8:12]}-4{text[13:16]}-a{text[17:20]}-{text[20:]}"


def _moment(number: int) -> str:
    minutes, milliseconds = divmod(number * 7919, 1000)
    hours, minute = divmod(minutes, 60)
    days, hour = divmod(hours, 24)
    date = f"202{days // 336 % 4}-{days // 28 % 12 + 1:02d}-{days % 28 + 1:02d}"
    return f"{date}T{hour:02d}:{minute:02d}:{minute // 2:02d}.{milliseconds:03d}Z"


def _word(number: int) -> str:
    return _WORDS[number % len(_WORDS)]


def _address(number: int) -> str:
    return f"person-{number}@example-{number % 97}.com"


@dataclass(frozen=True, slots=True)
class Kind:
    """A model, and how many rows of it one organization has."""

    model: str
    each: int
    make: Make


KINDS: list[Kind] = []
_EACH: dict[str, int] = {}


def _kind(model: str, each: int) -> Callable[[Make], Make]:
    def register(make: Make) -> Make:
        KINDS.append(Kind(f"sentry.{model}", each, make))
        _EACH[model] = each
        return make

    return register


def _of(model: str, organization: int, number: int) -> int:
    """The pk of the organization's row of that number (any; they go round)."""
    each = _EACH[model]
    return organization * each + number % each + 1


@_kind("organization", 1)
def _organization(o: int, n: int, pk: int) -> Fields:
    name = f"{_word(o).title()} Works {o}"
    return {
        "name": name,
        "slug": f"{_word(o)}-works-{o}",
        "status": 0,
        "date_added": _moment(pk),
        "default_role": "member",
        "is_test": False,
        "flags": "1",
    }


@_kind("organizationoption", 4)
def _organizationoption(o: int, n: int, pk: int) -> Fields:
    key = ("sentry:account-rate-limit", "sentry:project-rate-limit", "sentry:scrub_ip_address", "sentry:join_requests")[
        n
    ]
    return {"organization": o + 1, "key": key, "value": ("0", "100", "false", "true")[n]}


@_kind("repository", 2)
def _repository(o: int, n: int, pk: int) -> Fields:
    return {
        "organization_id": o + 1,
        "name": f"example/{_word(pk)}-{n}",
        "url": f"https://git.example.com/{o}/{_word(pk)}-{n}",
        "provider": "integrations:github",
        "external_id": str(100_000 + pk),
        "config": {"name": f"example/{_word(pk)}-{n}"},
        "status": 0,
        "date_added": _moment(pk),
        "integration_id": None,
        "languages": "[]",
    }


@_kind("team", 4)
def _team(o: int, n: int, pk: int) -> Fields:
    return {
        "organization": o + 1,
        "slug": f"team-{_word(pk)}-{n}",
        "name": f"Team {_word(pk)}",
        "status": 0,
        "idp_provisioned": False,
        "date_added": _moment(pk),
    }


@_kind("user", 10)
def _user(o: int, n: int, pk: int) -> Fields:
    return {
        "password": f"pbkdf2_sha256$720000${_hex(pk, 9, 22)}${_hex(pk, 8)}{_hex(pk, 7, 11)}=",
        "last_login": _moment(pk) if pk % 3 else None,
        "username": _address(pk),
        "name": f"{_FIRST[pk % 12]} {_LAST[pk // 12 % 12]}",
        "email": _address(pk),
        "is_staff": pk % 500 == 1,
        "is_active": True,
        "is_superuser": pk % 500 == 1,
        "is_managed": False,
        "is_sentry_app": None,
        "is_password_expired": False,
        "is_unclaimed": False,
        "last_password_change": _moment(pk),
        "flags": "0",
        "session_nonce": None,
        "date_joined": _moment(pk),
        "last_active": _moment(pk + 1),
        "avatar_type": 0,
        "avatar_url": None,
    }


@_kind("userip", 12)
def _userip(o: int, n: int, pk: int) -> Fields:
    return {
        "user": _of("user", o, n),
        "ip_address": f"10.{pk >> 16 & 255}.{pk >> 8 & 255}.{pk & 255}",
        "country_code": "AT",
        "region_code": None,
        "first_seen": _moment(pk),
        "last_seen": _moment(pk + 5),
    }


@_kind("savedsearch", 3)
def _savedsearch(o: int, n: int, pk: int) -> Fields:
    return {
        "is_global": False,
        "organization": o + 1,
        "type": n % 2,
        "name": f"Unresolved in {_word(pk)}, {pk}",
        "query": f"is:unresolved transaction:/{_word(pk)}/*",
        "sort": "date",
        "date_added": _moment(pk),
        "visibility": "organization",
        "owner_id": _of("user", o, n),
    }


@_kind("recentsearch", 30)
def _recentsearch(o: int, n: int, pk: int) -> Fields:
    return {
        "organization": o + 1,
        "user_id": _of("user", o, n),
        "type": 0,
        "query": f"is:unresolved user.email:{_address(pk)} {_word(pk)}",
        "query_hash": _hex(pk, 3),
        "last_seen": _moment(pk + 9),
        "date_added": _moment(pk),
    }


@_kind("project", 8)
def _project(o: int, n: int, pk: int) -> Fields:
    return {
        "slug": f"{_word(pk)}-{n}",
        "name": f"{_word(pk).title()} {n}",
        "forced_color": None,
        "organization": o + 1,
        "public": False,
        "date_added": _moment(pk),
        "status": 0,
        "first_event": _moment(pk + 3) if n % 4 else None,
        "flags": "10",
        "platform": ("python-django", "javascript-react", "go", None)[n % 4],
        "template": None,
    }


@_kind("orgauthtoken", 1)
def _orgauthtoken(o: int, n: int, pk: int) -> Fields:
    return {
        "organization_id": o + 1,
        "token_hashed": _hex(pk, 5, 64),
        "token_last_characters": _hex(pk, 6, 4),
        "name": "Release uploads",
        "scope_list": '["org:ci"]',
        "created_by": _of("user", o, 0),
        "date_added": _moment(pk),
        "date_last_used": _moment(pk + 9),
        "project_last_used_id": _of("project", o, 1),
        "date_deactivated": None,
    }


@_kind("organizationmember", 10)
def _organizationmember(o: int, n: int, pk: int) -> Fields:
    return {
        "organization": o + 1,
        "user_id": _of("user", o, n),
        "email": None,
        "role": "owner" if n == 0 else "member",
        "flags": "0",
        "token": _hex(pk, 11, 64),
        "date_added": _moment(pk),
        "token_expires_at": None,
        "has_global_access": True,
        "inviter_id": _of("user", o, 0) if n else None,
        "invite_status": 0,
        "type": 50,
        "user_is_active": True,
        "user_email": _address(_of("user", o, n)),
    }


@_kind("monitor", 3)
def _monitor(o: int, n: int, pk: int) -> Fields:
    return {
        "guid": _uuid(pk, 12),
        "slug": f"nightly-{_word(pk)}-{n}",
        "is_muted": False,
        "organization_id": o + 1,
        "project_id": _of("project", o, n),
        "name": f"Nightly {_word(pk)}",
        "status": 0,
        "type": 3,
        "config": {
            "schedule_type": 1,
            "schedule": "0 3 * * *",
            "checkin_margin": 5,
            "max_runtime": 30,
            "timezone": "UTC",
        },
        "owner_user_id": None,
        "owner_team_id": None,
        "date_added": _moment(pk),
    }


@_kind("environment", 4)
def _environment(o: int, n: int, pk: int) -> Fields:
    return {"organization_id": o + 1, "name": ("production", "staging", "dev", "")[n], "date_added": _moment(pk)}


@_kind("email", 10)
def _email(o: int, n: int, pk: int) -> Fields:
    return {"email": _address(pk), "date_added": _moment(pk)}


@_kind("dashboard", 3)
def _dashboard(o: int, n: int, pk: int) -> Fields:
    return {
        "title": f"Health of {_word(pk)} {n}",
        "created_by_id": _of("user", o, n),
        "organization": o + 1,
        "date_added": _moment(pk),
        "visits": pk % 50 + 1,
        "last_visited": _moment(pk + 2),
        "filters": None,
    }


@_kind("counter", 8)
def _counter(o: int, n: int, pk: int) -> Fields:
    return {"project": pk, "value": pk % 4000}


@_kind("authenticator", 3)
def _authenticator(o: int, n: int, pk: int) -> Fields:
    return {
        "user": _of("user", o, n),
        "created_at": _moment(pk),
        "last_used_at": None,
        "type": 1,
        "config": f'{{"secret":"{_hex(pk, 13).upper().translate(_BASE32)}"}}',
    }


@_kind("useroption", 25)
def _useroption(o: int, n: int, pk: int) -> Fields:
    key, value = (("timezone", '"Europe/Vienna"'), ("language", '"de"'), ("theme", '"dark"'))[n % 3]
    return {"user": _of("user", o, n // 3), "project_id": None, "organization_id": None, "key": key, "value": value}


@_kind("useremail", 11)
def _useremail(o: int, n: int, pk: int) -> Fields:
    user = _of("user", o, n)
    return {
        "user": user,
        "email": _address(user) if n < 10 else f"private-{_address(user)}",
        "validation_hash": _hex(pk, 14),
        "date_hash_added": _moment(pk),
        "is_verified": n < 9,
    }


@_kind("snubaquery", 5)
def _snubaquery(o: int, n: int, pk: int) -> Fields:
    return {
        "type": 0,
        "dataset": "events",
        "query": f"level:error transaction:/{_word(pk)}",
        "aggregate": "count()",
        "time_window": 3600,
        "resolution": 60,
        "environment": _of("environment", o, n),
        "date_added": _moment(pk),
    }


@_kind("rule", 12)
def _rule(o: int, n: int, pk: int) -> Fields:
    data = (
        '{"match":"all","conditions":[{"id":"sentry.rules.conditions.first_seen_event.FirstSeenEventCondition"}],'
        '"actions":[{"id":"sentry.mail.actions.NotifyEmailAction","targetType":"IssueOwners","targetIdentifier":null,'
        '"fallthroughType":"ActiveMembers"}],"frequency":30}'
    )
    return {
        "project": _of("project", o, n),
        "environment_id": None,
        "label": f"Mail about {_word(pk)} {n}",
        "data": data,
        "status": 0,
        "source": 0,
        "owner_user_id": None,
        "owner_team": _of("team", o, n),
        "date_added": _moment(pk),
    }


@_kind("querysubscription", 5)
def _querysubscription(o: int, n: int, pk: int) -> Fields:
    return {
        "project": _of("project", o, n),
        "type": "incidents",
        "snuba_query": _of("snubaquery", o, n),
        "status": 0,
        "subscription_id": f"{pk % 16}/{_hex(pk, 15)}",
        "query_extra": None,
        "date_added": _moment(pk),
        "date_updated": _moment(pk + 1),
    }


@_kind("projectteam", 10)
def _projectteam(o: int, n: int, pk: int) -> Fields:
    return {"project": _of("project", o, n), "team": _of("team", o, n + n // 8)}


@_kind("projectredirect", 1)
def _projectredirect(o: int, n: int, pk: int) -> Fields:
    return {
        "organization": o + 1,
        "project": _of("project", o, 0),
        "redirect_slug": "former",
        "date_added": _moment(pk),
    }


@_kind("projectownership", 4)
def _projectownership(o: int, n: int, pk: int) -> Fields:
    return {
        "project": _of("project", o, n),
        "raw": f"path:src/{_word(pk)}/* {_address(_of('user', o, n))}",
        "schema": {"$version": 1, "rules": []},
        "fallthrough": True,
        "auto_assignment": True,
        "date_created": _moment(pk),
        "last_updated": _moment(pk + 1),
        "is_active": True,
        "codeowners_auto_sync": True,
        "suspect_committer_auto_assignment": False,
    }


@_kind("projectoption", 56)
def _projectoption(o: int, n: int, pk: int) -> Fields:
    key, value = _PROJECT_OPTIONS[n // 8]
    return {"project": _of("project", o, n), "key": key, "value": value}


@_kind("projectkey", 10)
def _projectkey(o: int, n: int, pk: int) -> Fields:
    return {
        "project": _of("project", o, n),
        "label": "Default" if n < 8 else "Second",
        "public_key": _hex(pk, 16),
        "secret_key": _hex(pk, 17),
        "roles": "1",
        "status": 0,
        "date_added": _moment(pk),
        "rate_limit_count": None,
        "rate_limit_window": None,
        "data": {"dynamicSdkLoaderOptions": {"hasPerformance": True, "hasReplay": True}},
        "use_case": "user",
    }


@_kind("projectbookmark", 6)
def _projectbookmark(o: int, n: int, pk: int) -> Fields:
    return {"project": _of("project", o, n), "user_id": _of("user", o, n), "date_added": _moment(pk)}


@_kind("organizationmemberteam", 20)
def _organizationmemberteam(o: int, n: int, pk: int) -> Fields:
    return {
        "team": _of("team", o, n % 10 + n // 10),
        "organizationmember": _of("organizationmember", o, n),
        "is_active": True,
        "role": None,
    }


@_kind("environmentproject", 24)
def _environmentproject(o: int, n: int, pk: int) -> Fields:
    return {"project": _of("project", o, n % 8), "environment": _of("environment", o, n // 8), "is_hidden": None}


@_kind("dashboardwidget", 15)
def _dashboardwidget(o: int, n: int, pk: int) -> Fields:
    return {
        "dashboard": _of("dashboard", o, n),
        "order": n // 3,
        "title": f"Errors in {_word(pk)}",
        "description": None,
        "thresholds": None,
        "interval": "5m",
        "display_type": 0,
        "date_added": _moment(pk),
        "widget_type": 0,
        "limit": None,
        "detail": {"layout": {"h": 2, "w": 2, "x": n % 3 * 2, "y": n // 3 * 2, "minH": 2}},
        "discover_widget_split": None,
    }


@_kind("apitoken", 2)
def _apitoken(o: int, n: int, pk: int) -> Fields:
    return {
        "application": None,
        "user": _of("user", o, n),
        "name": "Scripts",
        "token": f"sntryu_{_hex(pk, 18, 64)}",
        "hashed_token": _hex(pk, 20, 64),
        "token_type": "sntryu_",
        "token_last_characters": _hex(pk, 22, 4),
        "refresh_token": None,
        "hashed_refresh_token": None,
        "expires_at": None,
        "date_added": _moment(pk),
        "scope_list": "['project:read', 'event:read', 'org:read']",
        "scopes": "0",
        "scoping_organization_id": None,
    }


@_kind("alertrule", 5)
def _alertrule(o: int, n: int, pk: int) -> Fields:
    return {
        "organization": o + 1,
        "snuba_query": _of("snubaquery", o, n),
        "user_id": None,
        "team": _of("team", o, n),
        "name": f"Too many errors in {_word(pk)} {n}",
        "status": 0,
        "threshold_type": 0,
        "resolve_threshold": None,
        "threshold_period": 1,
        "include_all_projects": False,
        "comparison_delta": None,
        "date_modified": _moment(pk + 1),
        "date_added": _moment(pk),
        "monitor_type": 0,
    }


@_kind("snubaqueryeventtype", 5)
def _snubaqueryeventtype(o: int, n: int, pk: int) -> Fields:
    return {"snuba_query": _of("snubaquery", o, n), "type": 0}


@_kind("ruleactivity", 12)
def _ruleactivity(o: int, n: int, pk: int) -> Fields:
    return {"rule": _of("rule", o, n), "user_id": _of("user", o, n), "type": 1, "date_added": _moment(pk)}


@_kind("dashboardwidgetquery", 18)
def _dashboardwidgetquery(o: int, n: int, pk: int) -> Fields:
    return {
        "widget": _of("dashboardwidget", o, n),
        "name": "",
        "fields": "['count()', 'title']",
        "conditions": "event.type:error",
        "aggregates": '["count()"]',
        "columns": '["title"]',
        "field_aliases": "[]",
        "orderby": "-count()",
        "order": n // 15,
        "is_hidden": False,
        "date_added": _moment(pk),
        "date_modified": _moment(pk + 1),
    }


@_kind("alertruletrigger", 8)
def _alertruletrigger(o: int, n: int, pk: int) -> Fields:
    return {
        "alert_rule": _of("alertrule", o, n),
        "label": "critical" if n < 5 else "warning",
        "threshold_type": 0,
        "alert_threshold": 100.0 + pk % 7,
        "resolve_threshold": None,
        "date_added": _moment(pk),
    }


@_kind("alertruleprojects", 5)
def _alertruleprojects(o: int, n: int, pk: int) -> Fields:
    return {"alert_rule": _of("alertrule", o, n), "project": _of("project", o, n), "date_added": _moment(pk)}


@_kind("alertruleactivity", 5)
def _alertruleactivity(o: int, n: int, pk: int) -> Fields:
    return {
        "alert_rule": _of("alertrule", o, n),
        "previous_alert_rule": None,
        "user_id": _of("user", o, n),
        "type": 1,
        "date_added": _moment(pk),
    }


@_kind("alertruletriggeraction", 6)
def _alertruletriggeraction(o: int, n: int, pk: int) -> Fields:
    return {
        "alert_rule_trigger": _of("alertruletrigger", o, n),
        "integration_id": None,
        "sentry_app_id": None,
        "type": 0,
        "target_type": 1,
        "target_identifier": str(_of("user", o, n)),
        "target_display": None,
        "date_added": _moment(pk),
        "sentry_app_config": None,
        "status": 0,
    }


_BASE32 = str.maketrans("0189", "GHIJ")
_PROJECT_OPTIONS = (
    ("sentry:option-epoch", "11"),
    ("sentry:origins", '["*"]'),
    ("sentry:resolve_age", "168"),
    ("sentry:scrub_ip_address", "false"),
    ("sentry:grouping_enhancements", '"stack.abs_path:**/vendor/** -app"'),
    ("sentry:relay-rev", '"3b1f0c7cf0a94b6b9dd5b2f6c1a8e701"'),
    ("filters:blacklisted_ips", '"10.0.0.0/8"'),
)
_OPTIONS = 20
_FEWEST = sum(kind.each for kind in KINDS)


def rows(count: int) -> Iterator[tuple[str, int, Fields]]:
    """Exactly `count` rows (model, pk, fields). What no whole organization fills are recent searches of the first one.
    Raises ValueError for fewer than one organization."""
    organizations, extra = divmod(count - _OPTIONS, _FEWEST)
    if organizations < 1:
        raise ValueError(f"an organization alone has {_FEWEST + _OPTIONS} rows")
    for pk in range(1, _OPTIONS + 1):
        fields = {
            "key": f"system.setting-{pk}",
            "last_updated": _moment(pk),
            "last_updated_by": "cli",
            "value": str(pk),
        }
        yield "sentry.option", pk, fields
    for kind in KINDS:
        pk = 0
        for organization in range(organizations):
            for number in range(kind.each):
                pk += 1
                yield kind.model, pk, kind.make(organization, number, pk)
        if kind.model == "sentry.recentsearch":
            for number in range(extra):
                pk += 1
                yield kind.model, pk, kind.make(0, number, pk)


def write(stream: BinaryIO, count: int, *, compact: bool = False) -> None:
    """Write the file, as an export does: indent 2, or compact as inside an encrypted one."""
    before = b"["
    for model, pk, fields in rows(count):
        row = {"model": model, "pk": pk, "fields": fields}
        if compact:
            stream.write(before + orjson.dumps(row))
        else:
            stream.write(before + b"\n  " + orjson.dumps(row, option=orjson.OPT_INDENT_2).replace(b"\n", b"\n  "))
        before = b","
    stream.write(b"]" if compact else b"\n]")


def main() -> int:
    """Write one file; `-` is standard output."""
    parser = argparse.ArgumentParser(prog="python -m bench.relocationfile", description=__doc__)
    parser.add_argument("rows", type=int)
    parser.add_argument("dest")
    parser.add_argument("--compact", action="store_true", help="no spaces, as inside an encrypted export")
    said = parser.parse_args()
    with ExitStack() as stack:
        stream = sys.stdout.buffer if said.dest == "-" else stack.enter_context(Path(said.dest).open("wb"))
        write(stream, said.rows, compact=said.compact)
    return 0


if __name__ == "__main__":
    sys.exit(main())
