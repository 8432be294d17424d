"""Files that may be given away: nobody is left in them, and they are still files. Source: specification, 8 and 9."""

import hashlib
import io
import itertools
import json
from collections import defaultdict

import pytest

from tests.support.moving import Mover
from tests.support.relocation import as_file, every_model, with_strangers
from vedette.core.relocation import Encoding, Generation, RelocationScope, Sanitiser
from vedette.relocation.files.encodings import decode, encode
from vedette.relocation.files.findings import BadFile, FindingKind, Severity
from vedette.relocation.files.writer import RowWriter
from vedette.relocation.graph import graph
from vedette.relocation.sanitizing import interning, leaks, moments, sanitize
from vedette.relocation.sanitizing.fields import LISTS, PLAIN
from vedette.relocation.sanitizing.interning import Interning
from vedette.relocation.sanitizing.moments import as_milliseconds
from vedette.relocation.sanitizing.safe import REASONS, SHAPES

DECLARED = [declaration.wire for declaration in graph()]
TEXTS = {*Encoding} - PLAIN


@pytest.fixture
def clean(tmp_path):
    """Sanitises bytes or rows, and gives the bytes; fails on a leak unless `leaks` is a list for its findings."""

    def _clean(source, *, seed="seed", leaked=None, **options):
        source = source if isinstance(source, bytes) else as_file(source)
        stream = io.BytesIO()
        with RowWriter(stream) as writer:
            result = sanitize(io.BytesIO(source), writer, work_dir=tmp_path, seed=seed, **options)
        result.findings.close()
        found = [finding for finding in result.findings if finding.severity is Severity.ERROR]
        assert [*tmp_path.iterdir()] == [result.findings.path]
        result.findings.path.unlink()
        if leaked is None:
            assert found == []
        else:
            leaked.extend(found)
        return stream.getvalue()

    return _clean


def row(model, pk, **fields):
    return {"model": f"sentry.{model}", "pk": pk, "fields": fields}


def of(file, model, pk=1):
    return next(one["fields"] for one in json.loads(file) if (one["model"], one["pk"]) == (f"sentry.{model}", pk))


# ------------------------------------------------------------ what stays


@pytest.mark.parametrize("generation", [*Generation])
def test_rows_keys_and_fields_stay_where_they_are(clean, generation):
    before = with_strangers(every_model(generation))

    after = json.loads(clean(before))

    assert [(one["model"], one["pk"], [*one["fields"]]) for one in after] == [
        (one["model"], one["pk"], [*one["fields"]]) for one in before
    ]
    for old, new in zip(before, after, strict=True):
        declared = graph().find(old["model"])
        keys = declared.wire.foreign_keys if declared else {}
        assert {name: new["fields"].get(name) for name in keys} == {name: old["fields"].get(name) for name in keys}
        assert {name for name, value in old["fields"].items() if value is None} == {
            name for name, value in new["fields"].items() if value is None
        }


def test_every_value_is_still_of_its_encoding(clean):
    for one in json.loads(clean(every_model())):
        for name, encoding in graph()[one["model"]].wire.fields.items():
            decode(encoding, one["fields"].get(name))


def test_unique_sets_stay_unique(clean):
    before = every_model()
    short = [row("organization", 900 + at, slug=letters, name=letters) for at, letters in enumerate("abcdefghij")]
    short += [row("user", 900 + at, username=letters, name="x") for at, letters in enumerate("abcdefghij")]
    short += [row("team", 900 + at, organization=1, slug=f"web-{at}", name="Web") for at in range(40)]
    before += short

    after = json.loads(clean(before))

    for wire in DECLARED:
        for unique in wire.uniques:
            old, new = (
                [
                    tuple(json.dumps(one["fields"].get(name)).casefold() for name in sorted(unique))
                    for one in rows
                    if one["model"] == wire.model
                ]
                for rows in (before, after)
            )
            same = [(a, b) for a, b in itertools.combinations(range(len(old)), 2) if old[a] == old[b]]
            assert [(a, b) for a, b in itertools.combinations(range(len(new)), 2) if new[a] == new[b]] == same


def test_slugs_are_slugs_made_from_the_new_name(clean):
    file = clean(
        [row("organization", 1, name="Acme Incorporated", slug="acme"), row("project", 1, name="", slug="p-1")]
    )

    fields = of(file, "organization")
    assert fields["slug"] == fields["name"].lower().replace(" ", "-")
    assert fields["name"] != "Acme Incorporated"
    assert of(file, "project")["slug"] != "p-1"


def test_dates_never_change_places(clean):
    before = every_model()

    after = json.loads(clean(before, days_offset=3))

    pairs = sorted(
        (as_milliseconds(old["fields"][name]), as_milliseconds(new["fields"][name]))
        for old, new in zip(before, after, strict=True)
        for name, encoding in graph()[old["model"]].wire.fields.items()
        if encoding is Encoding.MOMENT and old["fields"].get(name)
    )
    assert [new for _, new in pairs] == sorted(new for _, new in pairs)
    assert len({old for old, _ in pairs}) == len({new for _, new in pairs})
    assert all(abs(new - old - 3 * 86_400_000) < 2 * 86_400_000 for old, new in pairs)


# ------------------------------------------------------------ the same for the same


def test_the_same_text_becomes_the_same_wherever_it_stands(clean):
    address = "ada@lovelace.example.com"
    file = clean(
        [
            row("user", 1, username=address, email=address, name=""),
            row("email", 1, email=address),
            row("organizationmember", 1, user_email=address, email=None, organization=1),
            row("sentryapp", 1, creator_label=address),
            row("organizationoption", 1, key="x", value=json.dumps({"notify": [address]})),
            row("rule", 1, data=json.dumps({"actions": [{"value": address}]})),
            row("email", 2, email="eve@lovelace.example.com"),
        ]
    )

    new = of(file, "email")["email"]
    assert new not in (address, None)
    assert of(file, "user")["username"] == of(file, "user")["email"] == new
    assert of(file, "organizationmember")["user_email"] == of(file, "sentryapp")["creator_label"] == new
    assert [*json.loads(of(file, "organizationoption")["value"]).values()] == [[new]]
    assert json.loads(of(file, "rule")["data"]) == {"actions": [{"value": new}]}
    assert of(file, "email", 2)["email"].partition("@")[2] == new.partition("@")[2]  # one domain stays one


def test_a_seed_gives_the_same_bytes_again_and_another_one_gives_others(clean):
    source = as_file(with_strangers(every_model()[::5]))

    assert clean(source, seed=7) == clean(source, seed="7")
    assert clean(source, seed=7) != clean(source, seed=8)
    assert clean(source, seed=None) != clean(source, seed=None)


def test_what_does_not_fit_in_memory_gives_the_same_bytes(clean, monkeypatch):
    source = as_file(with_strangers(every_model()[::3]))
    expected = clean(source)
    for room, bound in ((interning, 7), (leaks, 5), (moments, 3)):
        monkeypatch.setattr(room, "_IN_MEMORY", bound)

    assert clean(source) == expected


# ------------------------------------------------------------ nobody is left


def kilroys():
    """A row of every model with a text of somebody in every field that can hold one, in keys and in numbers too."""
    number = itertools.count(1)

    def kilroy():
        return f"kilroy{next(number)}"

    for wire in DECLARED:
        fields = {}
        for name, encoding in wire.fields.items():
            nested = {
                kilroy(): [kilroy(), {"name": f"a {kilroy()} b", "id": kilroy()}],
                "url": f"https://{kilroy()}.com/",
            }
            if encoding in (Encoding.OPTION, Encoding.JSON_TEXT):
                fields[name] = encode(encoding, nested)
            elif encoding is Encoding.JSON:
                fields[name] = nested
            elif encoding in LISTS:
                fields[name] = encode(encoding, [kilroy(), f"count_unique({kilroy()})"])
            elif encoding is Encoding.EMAIL:
                fields[name] = f"{kilroy()}@{kilroy()}.example.com"
            else:
                fields[name] = kilroy()  # also where a number, a date or a UUID should stand
        fields |= {name: kilroy() for name in wire.foreign_keys}
        fields["unheard_of"] = nested | {"deep": [[kilroy()]]}
        yield {"model": wire.model, "pk": 1, "fields": fields}
    yield {"model": "sentry.stranger", "pk": 1, "fields": {"a": kilroy(), "b": {kilroy(): [kilroy()]}}}


def test_nothing_of_any_field_is_left_whatever_stands_in_it(clean):
    source = as_file(kilroys())
    assert source.count(b"kilroy") > 1000

    assert b"kilroy" not in clean(source)


PERSONAL = {
    "an option of a mail server": row("option", 1, key="mail.host", value='"smtp.acme.example"'),
    "an option key of somebody's plugin": row("projectoption", 1, key="acme:token", value=1),
    "a pickled option": row("option", 1, key="mail.from", value="gAJYBgAAADIyLjkuMHEALg=="),
    "a public key": row("projectkey", 1, public_key="c1373be35a7944808c8bcfede8097df1"),
    "an IP address in an option": row("organizationoption", 1, key="ip", value='["10.20.30.40"]'),
    "owners": row("projectownership", 1, raw="path:src/* ada@acme.example", schema={"rules": [{"owners": ["Ada L"]}]}),
    "a search": row("savedsearch", 1, name="x", query="user.email:ada@acme.example"),
    "an incident": row("incident", 1, title="checkout of Acme fails"),
    "a comment": row("incidentactivity", 1, comment="Ada said so"),
    "a tombstone": row("dashboardtombstone", 1, slug="acme-numbers"),
    "a redirect": row("projectredirect", 1, redirect_slug="acme-web"),
    "a channel": row("notificationaction", 1, target_identifier="#acme", target_display="#acme"),
    "a hash of a password": row("user", 1, username="a", password="pbkdf2_sha256$150000$iEvdIknqYjTr$+QsGn0tfIJ1FZ="),
}


@pytest.mark.parametrize("one", PERSONAL.values(), ids=PERSONAL)
def test_what_others_leave_is_replaced(clean, one):
    (after,) = json.loads(clean([one]))

    kept = {name for name, value in after["fields"].items() if value == one["fields"][name] and isinstance(value, str)}
    assert kept <= {"key", "name", "username"}
    assert b"acme" not in json.dumps(after).encode().lower()


def test_secrets_stay_usable_as_what_they_are(clean):
    token = "0123456789abcdef" * 4
    file = clean(
        [
            row(
                "apitoken",
                1,
                token=token,
                hashed_token="f" * 64,
                token_last_characters="cdef",
                scope_list="['org:read']",
            ),
            row("apitoken", 2, token=f"sntryu_{token}", hashed_token=None, token_last_characters=None),
            row("projectkey", 1, public_key="c1373be35a7944808c8bcfede8097df1", secret_key="d" * 31 + "1"),
            row("user", 1, password="pbkdf2_sha256$150000$salt$hash", username="a"),
            row("authenticator", 1, type=1, config='{"secret": "JBSWY3DP"}'),
            row("userip", 1, ip_address="127.0.0.2", country_code="AT", region_code=None),
        ]
    )

    mine = of(file, "apitoken")
    assert mine["hashed_token"] == hashlib.sha256(mine["token"].encode()).hexdigest()
    assert mine["token_last_characters"] == mine["token"][-4:]
    assert decode(Encoding.LITERAL_LIST, mine["scope_list"]) == ["org:read"]
    assert of(file, "apitoken", 2)["token"].startswith("sntryu_")
    assert all(set(of(file, "projectkey")[name]) <= set("0123456789abcdef") for name in ("public_key", "secret_key"))
    assert len(of(file, "projectkey")["public_key"]) == 32
    assert of(file, "user")["password"].startswith("pbkdf2_sha256$150000$")
    assert of(file, "authenticator")["config"] == '""'
    assert (of(file, "userip")["country_code"], of(file, "userip")["region_code"]) == ("CA", None)


def test_what_a_setting_switches_stays(clean):
    rule = {
        "match": "all",
        "actions": [
            {"id": "sentry.mail.actions.NotifyEmailAction", "targetType": "Team", "targetIdentifier": "12345678"}
        ],
        "conditions": [{"id": "sentry.rules.conditions.first_seen_event.FirstSeenEventCondition", "interval": "1h"}],
        "frequency": 30,
    }
    before = [
        row("useroption", 1, key="timezone", value='"Europe/Vienna"'),
        row("useroption", 2, key="language", value='"de"'),
        row("projectoption", 1, key="sentry:resolve_age", value=720),
        row("monitor", 1, config={"schedule_type": 1, "schedule": "0 4 * * *", "timezone": "Asia/Tokyo"}),
        row("rule", 1, data=json.dumps(rule)),
        row("dashboard", 1, filters={"project": [5, 6], "environment": ["production"]}),
        row("environment", 1, name="production"),
    ]

    file = clean(before)

    assert of(file, "useroption")["value"] == '"UTC"'
    assert of(file, "useroption", 2)["value"] == '"de"'
    assert of(file, "projectoption") == before[2]["fields"]
    assert of(file, "monitor")["config"] == {"schedule_type": 1, "schedule": "0 4 * * *", "timezone": "UTC"}
    assert json.loads(of(file, "rule")["data"]) == rule
    assert of(file, "dashboard")["filters"]["project"] == [5, 6]
    assert of(file, "environment")["name"] != "production"


# ------------------------------------------------------------ the allow-list


def test_every_field_that_can_hold_a_text_is_replaced_or_is_on_the_list_of_what_stays():
    undeclared = [
        f"{wire.model}.{name}"
        for wire in DECLARED
        for name, encoding in wire.fields.items()
        if encoding in TEXTS and name not in wire.sanitisers
    ]
    safe = {
        (wire.model, name)
        for wire in DECLARED
        for name, how in wire.sanitisers.items()
        if how is Sanitiser.SAFE and wire.fields[name] in TEXTS
    }

    assert undeclared == []
    assert safe == {*REASONS}
    assert {*SHAPES} <= safe


@pytest.mark.parametrize("how", [how for how in Sanitiser if how is not Sanitiser.SAFE])
def test_every_way_of_replacing_is_used_and_replaces(clean, how):
    places = [
        (wire.model, name, wire.fields[name])
        for wire in DECLARED
        for name, found in wire.sanitisers.items()
        if found is how
    ]
    assert places
    model, name, encoding = places[0]
    old = {
        Encoding.MOMENT: "2023-06-22T22:59:55.488Z",
        Encoding.UUID: "915524e0-4625-418d-a7f1-7ce450eb9857",
        Encoding.JSON: {"who": "Lovelace"},
        Encoding.OPTION: '"Lovelace"',
        Encoding.JSON_TEXT: '{"who":"Lovelace"}',
        Encoding.LITERAL_LIST: "['Lovelace']",
    }.get(encoding, "AT" if how is Sanitiser.COUNTRY else "Lovelace")
    rows = [{"model": model, "pk": 1, "fields": {name: old}}]
    rows += [row("email", 9, date_added="2023-07-22T22:59:55.488Z")]

    assert json.loads(clean(rows))[0]["fields"][name] != old


# ------------------------------------------------------------ verified


def test_a_leak_is_found_and_named(clean, monkeypatch):
    monkeypatch.setattr(Interning, "email", lambda self, old: old)
    found = []

    file = clean([row("email", 1, email="ada@acme.example"), row("email", 2, email="eve@acme.example")], leaked=found)

    assert file == b"[]"
    assert [(f.kind, f.model, f.field, f.left_pk, f.line) for f in found] == [
        (FindingKind.LEAKED_VALUE, "sentry.email", "email", 1, 2)
    ]
    assert "acme" not in found[0].reason


LEAKS = {
    "a name in another field": ([row("user", 1, name="Ada Lovelace"), row("team", 1, name="x")], "Lovelace et al."),
    "a whole text": ([row("user", 1, name="Zoë I."), row("team", 1, name="x")], "ZOË I."),
    "a token inside of a text": (
        [row("user", 1, session_nonce="a1b2c3d4e5"), row("team", 1, name="x")],
        "(a1b2c3d4e5)",
    ),
}


@pytest.mark.parametrize(("rows", "leak"), LEAKS.values(), ids=LEAKS)
def test_a_text_is_found_wherever_it_comes_out(clean, monkeypatch, rows, leak):
    replaced = Interning.name
    monkeypatch.setattr(Interning, "name", lambda self, old: leak if old == "x" else replaced(self, old))
    found = []

    clean(rows, leaked=found)

    assert [(f.model, f.field) for f in found] == [("sentry.team", "name")]


def test_a_file_that_is_no_export_leaves_nothing_behind(tmp_path):
    with pytest.raises(BadFile):
        sanitize(io.BytesIO(b'[{"model"'), RowWriter(io.BytesIO()), work_dir=tmp_path)

    assert [*tmp_path.iterdir()] == []


# ------------------------------------------------------------ and it is still a file


@pytest.mark.django_db
def test_a_sanitised_file_imports_like_its_source(clean, tmp_path_factory):
    mover = Mover(tmp_path_factory.mktemp("moves"))
    file = clean(every_model())

    result = mover.imports(file, RelocationScope.GLOBAL)
    again = mover.exports(RelocationScope.GLOBAL)

    assert [f for f in result.findings if f.severity is Severity.ERROR] == []
    assert shape(again) == shape(file)
    # An import of any file keeps only the hashes of tokens.
    differing = {f.model for f in mover.differences(file, again) if f.severity is Severity.ERROR}
    assert differing <= {"sentry.apitoken"}


def shape(file):
    counts = defaultdict(int)
    for one in json.loads(file):
        counts[one["model"]] += 1
    return counts
