"""Whatever stands in a file: it is compared and sanitised without a failure, and what comes out is a file."""

import io
import json

from hypothesis import HealthCheck, given, settings
from hypothesis import strategies as st

from vedette.relocation.comparing import compare
from vedette.relocation.comparing.report import write_report
from vedette.relocation.files.reader import read_rows
from vedette.relocation.files.writer import RowWriter
from vedette.relocation.graph import graph
from vedette.relocation.sanitizing import sanitize

ODD = """
a@b.c @ a@ [1] {} ['a'] {a,b} 10.1.2.3 ::1 5d6162f7-2631-4c5c-b7e6-600781e9135a 0001-01-01T00:00:00Z 12 -1 null "x"
http://u:p@h:1/x.y?q=1#f http://[::1]/ http://[bad gAJYBgAAADIyLjkuMHEALg== pbkdf2_sha256$1$a$b sntryu_abc -- a-b-c-d
9999-12-31T23:59:59-09:00
""".split()
texts = st.text(max_size=12) | st.sampled_from([*ODD, "x" * 300])
scalars = st.none() | st.booleans() | st.integers(-(2**63), 2**63 - 1) | st.floats(-1e6, 1e6) | texts
values = scalars | st.lists(scalars, max_size=3) | st.dictionaries(texts, scalars | st.lists(scalars, max_size=2))


@st.composite
def rows(draw):
    model = draw(st.sampled_from([*graph().order, "x.y"]))
    names = [*graph()[model].wire.fields, *graph()[model].wire.foreign_keys] if model in graph() else ["a", "b"]
    chosen = draw(st.lists(st.sampled_from([*names, "unheard_of"]), unique=True, max_size=5))
    return {"model": model, "pk": draw(st.integers(0, 5)), "fields": {name: draw(values) for name in chosen}}


files = st.lists(rows(), max_size=6)


@settings(max_examples=12, deadline=None, suppress_health_check=[*HealthCheck])
@given(left=files, right=files)
def test_any_two_files_are_compared(tmp_path, left, right):
    streams = (io.BytesIO(json.dumps(file).encode()) for file in (left, right))

    result = compare(*streams, work_dir=tmp_path)
    write_report(io.BytesIO(), result, left="left", right="right")

    result.findings.close()
    assert len([*result.findings]) == len(result.findings)


@settings(max_examples=12, deadline=None, suppress_health_check=[*HealthCheck])
@given(file=files)
def test_any_file_is_sanitised(tmp_path, file):
    stream = io.BytesIO()

    with RowWriter(stream) as writer:
        result = sanitize(io.BytesIO(json.dumps(file).encode()), writer, work_dir=tmp_path, seed=1)

    result.findings.close()
    assert result.is_clean
    shape = [(row["model"], row["pk"], [*row["fields"]]) for row in file]
    assert [(row.model, row.pk, [*row.fields]) for row in read_rows(io.BytesIO(stream.getvalue()))] == shape
