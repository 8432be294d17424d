"""Findings, their file and their log. Source: the relocation specification, 7.5."""

import io
import json
from pathlib import Path

import pytest

from vedette.relocation.files import findings
from vedette.relocation.files.findings import Finding, FindingKind, FindingLog, Origin, Severity

A_DIFFERENCE = Finding(Origin.COMPARE, FindingKind.UNEQUAL_JSON, "sentry.email", 1, 7, 8, "they differ")
A_WARNING = findings.warning(FindingKind.DROPPED_ROW, "no such user", model="sentry.useremail", left_pk=4, field="user")


def test_a_findings_file_has_the_shape_of_the_specification(tmp_path: Path) -> None:
    finding = findings.import_error(FindingKind.VALIDATION_ERROR, "…", model="sentry.userip", ordinal=3)

    findings.write_findings(tmp_path / "findings.json", [finding])

    text = (tmp_path / "findings.json").read_text()
    told = json.loads(text)
    assert text == json.dumps(told, indent=2, sort_keys=True)
    severity = told[0].pop("severity")
    assert severity == "error"
    assert told == [
        {
            "finding": "RpcImportError",
            "kind": "ValidationError",
            "left_pk": None,
            "on": {"model": "sentry.userip", "ordinal": 3},
            "reason": "…",
            "right_pk": None,
        }
    ]


def test_a_findings_file_of_nothing_is_an_empty_array(tmp_path: Path) -> None:
    findings.write_findings(tmp_path / "findings.json", [])

    assert (tmp_path / "findings.json").read_bytes() == b"[]"
    assert list(tmp_path.iterdir()) == [tmp_path / "findings.json"]


def test_several_findings_are_written_as_the_standard_encoder_writes_them() -> None:
    out, some = io.BytesIO(), [A_DIFFERENCE, A_WARNING.located(reason="Ärger\n🐘")]

    findings.dump_findings(out, iter(some))

    assert out.getvalue().decode() == json.dumps([one.as_dict() for one in some], indent=2, sort_keys=True)


def test_half_a_character_does_no_harm(tmp_path: Path) -> None:
    with FindingLog(tmp_path / "log") as log:
        log.add(A_WARNING.located(reason="x\ud800"))

        assert [finding.reason for finding in log] == ["x?"]


def test_the_printed_form_leaves_out_what_is_not_known() -> None:
    assert A_DIFFERENCE.pretty() == (
        "ComparatorFinding(\n"
        "    kind: UnequalJSON,\n"
        "    on: InstanceID(model: 'sentry.email', ordinal: 1),\n"
        "    left_pk: 7,\n"
        "    right_pk: 8,\n"
        "    reason: they differ\n"
        ")"
    )


@pytest.mark.parametrize(
    ("where", "sentence"),
    [
        ({}, "broken"),
        ({"line": 3}, "line 3: broken"),
        (
            {"model": "sentry.team", "left_pk": 4, "field": "slug", "line": 9},
            "sentry.team 4.slug (line 9): broken",
        ),
    ],
    ids=["nowhere", "line", "field"],
)
def test_one_line_says_where_and_why(where: dict[str, object], sentence: str) -> None:
    assert findings.import_error(FindingKind.BAD_VALUE, "broken", **where).sentence() == sentence


def test_every_finding_survives_its_own_shape() -> None:
    for finding in (A_DIFFERENCE, A_WARNING, A_WARNING.located(line=5, row=2)):
        assert Finding.from_dict(finding.as_dict()) == finding


def test_a_log_keeps_all_on_disk_and_the_first_in_memory(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(findings, "KEPT_IN_MEMORY", 2)

    with FindingLog(tmp_path / "log") as log:
        log.extend(A_WARNING.located(left_pk=pk) for pk in range(5))
        log.add(A_DIFFERENCE)

    assert [finding.left_pk for finding in log.first] == [0, 1]
    assert [finding.left_pk for finding in log] == [0, 1, 2, 3, 4, 7]
    assert len(log) == 6
    assert log.count(Severity.WARNING) == 5
    assert log.count(Severity.ERROR, Severity.NOTE) == 1


def test_what_was_rolled_back_is_forgotten(tmp_path: Path) -> None:
    with FindingLog(tmp_path / "log") as log:
        log.add(A_DIFFERENCE)
        before = log.mark()
        log.add(A_WARNING)

        log.rewind(before)

        assert list(log) == log.first == [A_DIFFERENCE]
        log.add(A_WARNING)
        assert list(log) == [A_DIFFERENCE, A_WARNING]


def test_a_log_is_gone_on_with_after_its_last_line_was_cut_off(tmp_path: Path) -> None:
    with FindingLog(tmp_path / "log") as log:
        log.extend([A_DIFFERENCE, A_WARNING])
    whole = (tmp_path / "log").read_bytes()
    (tmp_path / "log").write_bytes(whole[:-9])

    with FindingLog(tmp_path / "log") as again:
        again.add(A_WARNING)

        assert list(again) == again.first == [A_DIFFERENCE, A_WARNING]
