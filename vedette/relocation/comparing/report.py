"""A comparison as one page of HTML that people can keep, send and read anywhere.

It stands alone: no script, nothing fetched, and a policy that forbids both. Every text of the files is data of
strangers and is escaped. Only so many differences of a model are shown, so that the page opens whatever was compared;
the findings file has them all.
"""

from collections import Counter
from collections.abc import Iterator
from datetime import datetime
from html import escape
from typing import BinaryIO

from vedette.core import clock
from vedette.relocation.comparing.page import STYLE
from vedette.relocation.comparing.result import CompareResult, ModelCounts
from vedette.relocation.files.findings import Finding, FindingKind, Severity
from vedette.relocation.meanings import MEANINGS

SHOWN_PER_MODEL = 50
SHOWN_IN_ALL = 1000
_OPEN_PER_MODEL = 5
_LONGEST_NAME = 200

_LINE_CLASSES = {"+": "added", "-": "removed", "@": "place"}


def write_report(
    stream: BinaryIO, result: CompareResult, *, left: str, right: str, made_at: datetime | None = None
) -> None:
    """Write the page for `result`, whose findings are still on the disk. `left` and `right` are how the files are
    called, `made_at` is when they were compared (now)."""
    for piece in _Report(result, left, right, made_at or clock.now()).pieces():
        stream.write(piece.encode("utf-8", "replace"))


class _Report:
    def __init__(self, result: CompareResult, left: str, right: str, made_at: datetime) -> None:
        self._result = result
        self._left = left
        self._right = right
        self._made_at = made_at
        self._shown: dict[str, list[Finding]] = {}
        self._kinds: Counter[FindingKind] = Counter()
        self._models: Counter[str] = Counter()
        self._notes: list[Finding] = []
        self._gather()

    def pieces(self) -> Iterator[str]:
        """The page, part by part."""
        yield from self._head()
        if self._kinds:
            yield from self._kinds_table()
        yield from self._models_table()
        for model in self._result.models:
            yield from self._section(model, self._shown.get(model, []))
        if self._notes:
            yield from self._notes_list()
        yield f"<footer>Compared by Vedette, {_moment(self._made_at)}.</footer>\n</main>\n</body>\n</html>\n"

    def _gather(self) -> None:
        shown = 0
        for finding in self._result.findings:
            if finding.severity is not Severity.ERROR:
                if len(self._notes) < SHOWN_PER_MODEL:
                    self._notes.append(finding)
                continue
            model = finding.model or ""
            self._kinds[finding.kind] += 1
            self._models[model] += 1
            mine = self._shown.setdefault(model, [])
            if len(mine) < SHOWN_PER_MODEL and shown < SHOWN_IN_ALL:
                mine.append(finding)
                shown += 1

    # ------------------------------------------------------------ what it comes to

    def _head(self) -> Iterator[str]:
        verdict, rows = self._verdict()
        state = "clean" if self._result.is_clean else "differs"
        yield (
            "<!doctype html>\n"
            '<html lang="en">\n<head>\n<meta charset="utf-8">\n'
            '<meta name="viewport" content="width=device-width, initial-scale=1">\n'
            '<meta name="color-scheme" content="light dark">\n'
            '<meta name="referrer" content="no-referrer">\n'
            "<meta http-equiv=\"Content-Security-Policy\" content=\"default-src 'none'; style-src 'unsafe-inline'\">\n"
            f"<title>{escape(verdict)}</title>\n<style>{STYLE}</style>\n</head>\n<body>\n<main>\n"
        )
        yield (
            f'<header>\n<p class="kicker">Comparison of two exports</p>\n<h1 class="{state}">{escape(verdict)}</h1>\n'
            f"<p>{escape(rows)}</p>\n"
            '<dl class="files">\n'
            f"<div><dt>Left</dt><dd>{_name(self._left)}</dd></div>\n"
            f"<div><dt>Right</dt><dd>{_name(self._right)}</dd></div>\n"
            f"<div><dt>Compared</dt><dd>{_moment(self._made_at)}</dd></div>\n</dl>\n</header>\n"
        )

    def _verdict(self) -> tuple[str, str]:
        counts = self._result.models.values()
        left, right = sum(one.left for one in counts), sum(one.right for one in counts)
        compared, differing = sum(one.compared for one in counts), sum(one.differing for one in counts)
        rows = f"{_rows(left)} of {_number(len(counts), 'model')} on the left, {_rows(right)} on the right; "
        rows += f"{_number(compared, 'pair')} compared, {differing:,} of them differ."
        if self._result.is_clean:
            return "No differences", rows
        models = _number(len(self._models), "model")
        return f"{_number(self._result.differences, 'difference')} in {models}", rows

    def _kinds_table(self) -> Iterator[str]:
        yield (
            '<section>\n<h2>What was found</h2>\n<div class="scroll" tabindex="0" role="region" '
            'aria-label="Kinds of differences">\n<table class="kinds">\n<thead><tr><th class="number">Number</th>'
            "<th>Kind</th><th>What it means</th><th>What to do</th></tr></thead>\n<tbody>\n"
        )
        for kind, number in self._kinds.most_common():
            meaning = MEANINGS[kind]
            yield (
                f'<tr><td class="number">{number:,}</td><td><code>{_broken(kind)}</code></td>'
                f"<td>{escape(meaning.means)}</td><td>{escape(meaning.to_do)}</td></tr>\n"
            )
        yield "</tbody>\n</table>\n</div>\n</section>\n"

    # ------------------------------------------------------------ models

    def _models_table(self) -> Iterator[str]:
        differing = {name: counts for name, counts in self._result.models.items() if self._models[name]}
        equal = {name: counts for name, counts in self._result.models.items() if not self._models[name]}
        if differing:
            yield "<section>\n<h2>Models that differ</h2>\n"
            yield from self._rows_of(differing)
            yield "</section>\n"
        if equal:
            summary = f"{_number(len(equal), 'model')} without a difference"
            yield f"<section>\n<details{'' if differing else ' open'}>\n<summary>{summary}</summary>\n"
            yield from self._rows_of(equal)
            yield "</details>\n</section>\n"

    def _rows_of(self, models: dict[str, ModelCounts]) -> Iterator[str]:
        yield (
            '<div class="scroll" tabindex="0" role="region" aria-label="Rows by model">\n<table class="models">\n'
            '<thead><tr><th>Model</th><th class="number">Left</th><th class="number">Right</th>'
            '<th class="number">Pairs</th><th class="number">Differ</th><th class="number">Findings</th></tr></thead>'
            "\n<tbody>\n"
        )
        for name, counts in models.items():
            link = f'<a href="#{_anchor(name)}">{_name(name)}</a>' if self._shown.get(name) else _name(name)
            unequal = ' class="number unequal"' if counts.left != counts.right else ' class="number"'
            yield (
                f"<tr><td>{link}</td><td{unequal}>{counts.left:,}</td><td{unequal}>{counts.right:,}</td>"
                f'<td class="number">{counts.compared:,}</td><td class="number">{counts.differing:,}</td>'
                f'<td class="number">{self._models[name]:,}</td></tr>\n'
            )
        yield "</tbody>\n</table>\n</div>\n"

    # ------------------------------------------------------------ findings

    def _section(self, model: str, findings: list[Finding]) -> Iterator[str]:
        if not findings:
            return
        total = self._models[model]
        yield (
            f'<section id="{_anchor(model)}">\n<h2>{_name(model)}</h2>\n'
            f'<p class="muted">{_number(total, "difference")}</p>\n'
        )
        for at, finding in enumerate(findings):
            yield _finding(finding, is_open=at < _OPEN_PER_MODEL)
        if total > len(findings):
            more = total - len(findings)
            yield f'<p class="muted">{_number(more, "more difference")} of this model: see the findings file.</p>\n'
        yield "</section>\n"

    def _notes_list(self) -> Iterator[str]:
        yield "<section>\n<h2>Notes</h2>\n<ul>\n"
        for finding in self._notes:
            yield f"<li>{_name(finding.model or '')}: {escape(finding.reason)}</li>\n"
        yield "</ul>\n</section>\n"


def _finding(finding: Finding, *, is_open: bool) -> str:
    where = [
        f"row {finding.ordinal:,}" if finding.ordinal is not None else "",
        f"pk {_pks(finding)}" if finding.left_pk is not None or finding.right_pk is not None else "",
        f"line {finding.line:,} of the {_side(finding)}" if finding.line is not None else "",
    ]
    field = f"<code>{_name(finding.field)}</code> " if finding.field else ""
    return (
        f'<details class="finding"{" open" if is_open else ""}>\n'
        f'<summary>{field}<span class="kind">{_broken(finding.kind)}</span> '
        f'<span class="where">{" · ".join(filter(None, where))}</span></summary>\n{_reason(finding)}</details>\n'
    )


def _pks(finding: Finding) -> str:
    if finding.left_pk is None or finding.right_pk is None:
        return str(finding.right_pk if finding.left_pk is None else finding.left_pk)
    return str(finding.left_pk) if finding.left_pk == finding.right_pk else f"{finding.left_pk} → {finding.right_pk}"


def _side(finding: Finding) -> str:
    return "right" if finding.left_pk is None and finding.right_pk is not None else "left"


def _reason(finding: Finding) -> str:
    if finding.kind is not FindingKind.UNEQUAL_JSON or not finding.reason.startswith("--- "):
        return f"<p>{escape(_sentence(finding.reason))}</p>\n"
    lines = [_diff_line(line) for line in finding.reason.split("\n")[2:]]
    return (
        '<p class="legend"><span class="removed">- left</span> <span class="added">+ right</span></p>\n'
        f'<pre tabindex="0">{"".join(lines)}</pre>\n'
    )


def _diff_line(line: str) -> str:
    kind = _LINE_CLASSES.get(line[:1])
    return f'<span class="{kind}">{escape(line)}\n</span>' if kind else f"{escape(line)}\n"


def _sentence(reason: str) -> str:
    text = reason[:1].upper() + reason[1:]
    return text if text.endswith((".", "…")) else f"{text}."


def _name(text: str) -> str:
    """A name of a file, a model or a field: cut, escaped, with places where a long one may be broken."""
    cut = text if len(text) <= _LONGEST_NAME else f"{text[:_LONGEST_NAME]}…"
    return escape(cut).replace("/", "/<wbr>").replace(".", ".<wbr>").replace("_", "_<wbr>")


def _broken(kind: FindingKind) -> str:
    return str(kind).replace("Comparator", "<wbr>Comparator").replace("Existence", "<wbr>Existence")


def _anchor(model: str) -> str:
    """Names of models come from the files; what is no plain name is spelt out."""
    return "model-" + "".join(char if char.isascii() and char.isalnum() else f"-{ord(char):x}-" for char in model)


def _number(number: int, word: str) -> str:
    return f"{number:,} {word}{'' if number == 1 else 's'}"


def _rows(number: int) -> str:
    return _number(number, "row")


def _moment(moment: datetime) -> str:
    return f'<time datetime="{moment.isoformat(timespec="seconds")}">{moment:%Y-%m-%d %H:%M} UTC</time>'
