"""Two exports compared: the last step of the loop export, wipe, import, export, compare.

Unlike Sentry's, a comparison streams, goes on after what is wrong with the order or the number of a model's rows, and
compares models that nobody knows as JSON. Source: the relocation specification, 7.
"""

from pathlib import Path
from typing import BinaryIO
from uuid import uuid4

from vedette.relocation.comparing.judging import Judge
from vedette.relocation.comparing.pairing import pair
from vedette.relocation.comparing.result import CompareResult, ModelCounts
from vedette.relocation.comparing.scratch import SIDES, Model, Scratch
from vedette.relocation.files.findings import BadFile, FindingKind, FindingLog, note
from vedette.relocation.graph import graph
from vedette.relocation.progress import Progress, Silent
from vedette.relocation.scratch import told_of_scratch

_TOLD_EVERY = 1000  # rows


def compare(left: BinaryIO, right: BinaryIO, *, work_dir: Path, progress: Progress | None = None) -> CompareResult:
    """Compare two plain exports, each read once from where it stands.

    Needs room for about both files in `work_dir`. The findings stay there, in `result.findings.path`, for the caller
    to read and remove. They come in this order: what is wrong with whole models, in canonical order; then row by row,
    in canonical order and by ordinal. Raises `BadFile` for what is no export, its reason naming the side,
    and `ScratchBroken`.
    """
    progress = progress or Silent()
    name = uuid4().hex
    log = FindingLog(work_dir / f"compare-{name}.findings")
    result = CompareResult(log)
    try:
        with told_of_scratch(work_dir), Scratch(work_dir / f"compare-{name}.db", graph()) as scratch:
            _read(scratch, left, right, progress)
            models = scratch.models()
            _pair(scratch, models, result, progress)
            scratch.settle()
            progress.start("comparing", sum(counts.left for counts in result.models.values()))
            for model in models:
                _judge(scratch, model, result, progress)
    except BaseException:
        log.close()
        log.path.unlink(missing_ok=True)
        raise
    log.flush()
    return result


def _read(scratch: Scratch, left: BinaryIO, right: BinaryIO, progress: Progress) -> None:
    for side, stream in zip(SIDES, (left, right), strict=True):
        progress.start(f"reading {side}", None)
        try:
            scratch.read(side, stream, progress)
        except BadFile as bad:
            raise BadFile(bad.finding.located(reason=f"{side} file: {bad.finding.reason}")) from bad
    scratch.finish_reading()


def _pair(scratch: Scratch, models: list[Model], result: CompareResult, progress: Progress) -> None:
    progress.start("pairing", None)
    for model in models:
        if not model.known:
            reason = "this model is not known: its rows are compared by position, as JSON"
            result.findings.add(note(FindingKind.UNKNOWN_MODEL, reason, model=model.name))
        wire = graph()[model.name].wire if model.known else None
        result.findings.extend(pair(scratch, model, wire))
        counts = ModelCounts(scratch.count("left", model), scratch.count("right", model))
        result.models[model.name] = counts
        progress.advance(model.name, counts.left)


def _judge(scratch: Scratch, model: Model, result: CompareResult, progress: Progress) -> None:
    counts = result.models[model.name]
    judge = Judge(scratch, model, graph()[model.name].wire if model.known else None)
    for row in scratch.pairs(model):
        counts.compared += 1
        if findings := judge.judge(*row):
            counts.differing += 1
            result.findings.extend(findings)
        if counts.compared % _TOLD_EVERY == 0:
            progress.advance(model.name, _TOLD_EVERY)
    progress.advance(model.name, counts.compared % _TOLD_EVERY)
