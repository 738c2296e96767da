"""One request's bytes become one answer's bytes, and every fault names its place."""

from __future__ import annotations

import json
import math
from dataclasses import replace
from typing import Any

import msgspec
import numpy as np
import polars as pl
import pytest
from hypothesis import given
from hypothesis import strategies as st

from plimsoll import infer
from plimsoll.errors import RequestError
from plimsoll.rows import Rows
from plimsoll.schema import Column, Kind, Schema
from plimsoll.serve.answerer import Answerer
from plimsoll.serve.request import Reader
from plimsoll.spelling import feature_text
from serving_toys import COLUMNS, Echo, find, toy


@pytest.fixture(autouse=True)
def _catalogue(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr("plimsoll.catalogue.find", find)


READER_SCHEMA = toy().schema
READER = Reader(READER_SCHEMA)
NAN = float("nan")


def cells(**row: Any) -> tuple[Any, ...]:
    found, many = READER.read(json.dumps({name.replace("_", " "): value for name, value in row.items()}).encode())
    assert not many
    return found[0]


def fault(body: bytes, reader: Reader = READER) -> tuple[str, str, int]:
    with pytest.raises(RequestError) as caught:
        reader.read(body)
    return caught.value.path, caught.value.reason, caught.value.status


def test_a_row_becomes_values_in_the_schemas_order() -> None:
    """Numbers, booleans and times are floats, categories and texts are texts, whatever order they were sent in."""
    body = '{"note": "hi", "seen": "1970-01-02", "member": true, "job": "cook", "hours per week": 40, "age": 39}'
    assert READER.read(body.encode()) == ([(39.0, 40.0, "cook", 1.0, 86400.0, "hi")], False)


def test_what_is_left_out_or_null_is_missing() -> None:
    """A missing cell is nan in a column of numbers and None in one of texts."""
    for row in (cells(), cells(age=None, hours_per_week=None, job=None, member=None, seen=None)):
        assert [value is None or math.isnan(value) for value in row] == [True] * 6
        assert [value is None for value in row] == [False, False, True, False, False, True]


def test_a_category_may_be_sent_as_what_it_was() -> None:
    """3, 3.0 and "3" are one category, and true is "true"."""
    sent = [3, 3.0, "3", True, False, 0.5, -2.0, 10**300]
    assert [cells(job=value)[2] for value in sent] == ["3", "3", "3", "true", "false", "0.5", "-2", str(10**300)]


@given(
    st.text(max_size=6)
    | st.sampled_from(
        [
            "3.0",
            " -2.00",
            "007",
            "1.50",
            "1e3",
            "1e400",
            "NaN",
            "tRUE",
            "True",
            "FALSE",
            "e",
            "10",
            "",
            " ",
            "\t",
            "\x1f",
            "0",
        ]
    )
)
def test_a_category_in_a_request_is_what_it_is_in_a_file(text: str) -> None:
    """Whatever the text, a request and a file make one category of it, and a blank is missing in both."""
    expected = feature_text(text) or None
    assert cells(job=text)[2] == expected
    assert cells(note=text)[5] == (text if text.strip() else None)


def test_a_boolean_may_be_sent_as_a_number() -> None:
    """0, 1, 0.0 and 1.0 are booleans; 2 is not."""
    assert [cells(member=value)[3] for value in (True, False, 1, 0, 1.0, 0.0)] == [1.0, 0.0, 1.0, 0.0, 1.0, 0.0]
    assert fault(b'{"member": 2}')[:2] == (
        "$.member",
        'expected true, false, 0, 1, a text such as "yes", or null, got 2',
    )


SPELT = ["yes", "No", " TRUE ", "f", "1", "0.0", "", "maybe", "2", "on"]
DATED = ["1970-01-02", "1970/1/2 03:04", "1970-01-02T03:04:05.5Z", "1970-01-02 03:04:05+0100", "86400", " ", "soon"]
DATED += ["02/01/1970", "19700102", "1970-W01-5", "1970-13-01", "2023-02-29", "1970-01-02T25:00"]
COUNTED = ["39", " -1.5e3", "+.5", "1.", "", "old", "1_000", "1,5", "nan", "inf", "1e999", "\uff11"]


@pytest.mark.parametrize(
    ("column", "texts"), [("member", SPELT), ("seen", DATED), ("age", COUNTED)], ids=["booleans", "times", "numbers"]
)
def test_a_request_may_spell_a_cell_as_files_do(column: str, texts: list[str]) -> None:
    """A text that a file gives a value is that value in a request; one that it does not is refused with its place."""
    place = READER_SCHEMA.names.index(column)
    for text in texts:
        in_file = infer.to_rows(pl.DataFrame({name: [text] for name in READER_SCHEMA.names}), READER_SCHEMA)
        expected = in_file.numbers(column)[0]
        if math.isnan(expected) and text.strip():
            path, reason, status = fault(json.dumps({column: text}).encode())
            assert (path, status) == (f"$.{column}", 422)
            assert reason.endswith(f'or null, got "{text}"')
        else:
            np.testing.assert_equal(cells(**{column: text})[place], expected)


def test_a_time_is_a_text_or_seconds() -> None:
    """Dates with or without a zone, and seconds since 1970, give seconds in UTC."""
    sent = ["1970-01-01T01:00:00+01:00", "1970-01-01T00:00:00Z", "1970-01-01", "1970/01/01 00:00:00", 0, 0.0, "0"]
    assert [cells(seen=value)[4] for value in sent] == [0.0] * 7


@pytest.mark.parametrize(
    ("body", "path", "reason", "status"),
    [
        (b'{"age": "old"}', "$.age", 'expected a number or null, got "old"', 422),
        (b'{"age": true}', "$.age", "expected a number or null, got a boolean", 422),
        (b'[{}, {"age": [1]}]', "$[1].age", "expected a number or null, got a list", 422),
        (b'{"rows": [{}, {}, {}, {"age": "x"}]}', "$.rows[3].age", 'expected a number or null, got "x"', 422),
        (b'{"rows": [{"member": 7}]}', "$.rows[0].member", 'a text such as "yes", or null, got 7', 422),
        (b'{"hours per week": {}}', "$.hours per week", "expected a number or null, got object", 422),
        (b'{"seen": "soon"}', "$.seen", 'or null, got "soon"', 422),
        (b'{"age": 1e999}', "$.age", "number out of range", 422),
        (b'{"age": ' + b"9" * 400 + b"}", "$.age", "number out of range", 422),
        (b'{"member": ' + b"9" * 400 + b"}", "$.member", "got 999", 422),
        (b'{"ages": 1}', "$.ages", 'there is no such column. Did you mean "age"?', 422),
        (b'[{"ages": 1}]', "$[0].ages", 'Did you mean "age"?', 422),
        (b'{"income": "yes"}', "$.income", "the model does not read this column", 422),
        (b'{"row_id": 1}', "$.row_id", "the model does not read this column", 422),
        (b'{"rows": {}}', "$.rows", "expected array, got object", 422),
        (b'{"rows": [], "x": 1}', "$.x", "no such column", 422),
        (b"3", "$", "expected a row such as {…}, got a number", 422),
        (b"[3]", "$[0]", "expected a row such as {…}, got a number", 422),
        (b'{"job": "' + b"x" * 100_001 + b'"}', "$.job", "longer than 100000 characters", 413),
        (b"[" + b"{}," * 1000 + b"{}]", "$", "more than 1000 rows", 413),
        (b'{"rows": [' + b"{}," * 1000 + b"{}]}", "$.rows", "more than 1000 rows", 413),
        (b"", "$", "the body is not JSON", 400),
        (b'{"age": NaN}', "$", "the body is not JSON", 400),
        (b'{"age": Infinity}', "$", "the body is not JSON", 400),
        (b'{"job": "\xff"}', "$", "the body is not JSON", 400),
        (b'{"job": "\\ud800"}', "$", "the body is not JSON", 400),
        (b"{} {}", "$", "the body is not JSON", 400),
        (b'{"rows": [{]}', "$", "the body is not JSON", 400),
        (b'{"job": ' + b"[" * 100_000, "$.job", "got a list", 422),
    ],
)
def test_a_fault_names_its_place(body: bytes, path: str, reason: str, status: int) -> None:
    """Every refused request says where the fault is, what was found, and with which status."""
    found = fault(body)
    assert (found[0], found[2]) == (path, status)
    assert reason in found[1]


def test_a_column_may_be_called_rows() -> None:
    """Where a column is called rows, a list under it is a batch, and anything else is the column."""
    reader = Reader(Schema((Column("rows", Kind.NUMBER), Column("f0", Kind.TEXT)), "y"))
    assert reader.read(b'{"rows": 3, "f0": "x"}') == ([(3.0, "x")], False)
    assert reader.read(b' {"rows": [{"rows": 4, "f0": "y"}]}') == ([(4.0, "y")], True)
    assert fault(b'{"rows": "x"}', reader)[:2] == ("$.rows", 'expected a number or null, got "x"')


@given(st.lists(st.text(st.characters(exclude_categories=("Cs",)), max_size=6), min_size=1, max_size=4, unique=True))
def test_a_column_may_be_called_anything(names: list[str]) -> None:
    """Any text is a column's name: quotes, control characters, nothing at all, and the names that a struct has inside."""
    columns = tuple(Column(name, Kind.NUMBER) for name in [*names, 'a"b\\c\n', "f0", "__class__"] if name != "rows")
    reader = Reader(Schema(tuple(dict.fromkeys(columns)), "y"))
    row = {column.name: float(place) for place, column in enumerate(dict.fromkeys(columns))}
    expected = tuple(row.values())
    assert reader.read(msgspec.json.encode(row)) == ([expected], False)
    assert reader.read(msgspec.json.encode({"rows": [row]})) == ([expected], True)
    bad = msgspec.json.encode([row, {'a"b\\c\n': "x"}])
    assert fault(bad, reader)[:2] == ('$[1].a"b\\c\n', 'expected a number or null, got "x"')


@given(st.binary(max_size=60))
def test_any_bytes_are_read_or_refused(body: bytes) -> None:
    """Whatever the bytes, a reader gives rows or a RequestError."""
    try:
        READER.read(body)
    except RequestError:
        return


NUMBERS = st.none() | st.integers(-(10**12), 10**12) | st.floats(allow_nan=False, allow_infinity=False)
TEXTS = st.none() | st.text(st.characters(exclude_categories=("Cs",)), max_size=12)
ROWS = st.fixed_dictionaries(
    {},
    optional={
        "age": NUMBERS,
        "hours per week": NUMBERS,
        "job": TEXTS | st.integers() | st.booleans(),
        "member": st.sampled_from([True, False, 0, 1, None]),
        "seen": st.datetimes().map(lambda t: t.isoformat()) | NUMBERS,
        "note": TEXTS,
    },
)
CLASSES: list[tuple[str, ...]] = [("no", "yes"), ("a", "b", "c"), ()]
ANSWERERS: dict[tuple[str, ...], Answerer] = {}


def answerer(classes: tuple[str, ...] = ("no", "yes"), class_type: str = "text") -> Answerer:
    return Answerer(toy(classes, class_type))


@pytest.mark.parametrize("classes", CLASSES)
@given(rows=st.lists(ROWS, min_size=1, max_size=5))
def test_a_batch_answers_as_its_rows_do(classes: tuple[str, ...], rows: list[dict[str, Any]]) -> None:
    """A list, the same list under "rows", and each row alone give the same answers, in order."""
    with pytest.MonkeyPatch.context() as patch:
        patch.setattr("plimsoll.catalogue.find", find)
        served = ANSWERERS.setdefault(classes, answerer(classes))
    batch = served.answer(msgspec.json.encode(rows))
    assert batch == served.answer(msgspec.json.encode({"rows": rows}))
    alone = [json.loads(served.answer(msgspec.json.encode(row))) for row in rows]
    for one, many in zip(alone, json.loads(batch), strict=True):
        if not classes:
            assert one == pytest.approx(many, rel=1e-12)
            continue
        assert one["prediction"] == many["prediction"]
        assert one["probabilities"] == pytest.approx(many["probabilities"], rel=1e-9)


def test_an_answer_over_classes_says_each_probability() -> None:
    """Probabilities are calibrated, sum to one and stand under the classes' names; the decision follows the offsets."""
    served = answerer()
    raw = served.bundle.model().answer(READER.read(b"{}")[0][0])
    expected = served.bundle.calibration.apply_one(raw)
    found = json.loads(served.answer(b"{}"))
    assert found["probabilities"] == pytest.approx(dict(zip(("no", "yes"), expected, strict=True)))
    assert found["prediction"] == ("no", "yes")[served.bundle.calibration.label_one(expected)]
    assert sum(found["probabilities"].values()) == pytest.approx(1)


def test_an_answer_has_the_datas_type() -> None:
    """Classes that were integers or booleans in the data are answered as such."""
    assert type(json.loads(answerer(("0", "1"), "integer").answer(b"{}"))["prediction"]) is int
    assert type(json.loads(answerer(("false", "true"), "boolean").answer(b"{}"))["prediction"]) is bool


def test_a_number_comes_with_its_interval() -> None:
    """A regression answers a number and the interval around it."""
    found = json.loads(answerer(()).answer(b'{"age": 3}'))
    assert (found["low"], found["high"]) == (found["prediction"] - 0.5, found["prediction"] + 0.5)


def test_no_rows_have_no_answers() -> None:
    """An empty list is answered with an empty list."""
    assert answerer().answer(b" [ ]") == b"[]"


@pytest.mark.parametrize("classes", CLASSES)
def test_a_batch_of_arrays_is_decided_as_requests_are(classes: tuple[str, ...]) -> None:
    """``decide`` gives as arrays what ``answer`` gives as JSON."""
    served = answerer(classes)
    rows = [{"age": k, "job": "x" * k} for k in range(5)]
    found = json.loads(served.answer(json.dumps(rows).encode()))
    decided = served.decide(Rows.of_values(served.schema, READER.read(json.dumps(rows).encode())[0]))
    if not classes:
        assert decided.values is not None
        assert decided.low is not None
        assert [a["prediction"] for a in found] == decided.values.tolist()
        assert [a["low"] for a in found] == decided.low.tolist()
        return
    assert decided.labels is not None
    assert decided.probabilities is not None
    assert [a["prediction"] for a in found] == [classes[k] for k in decided.labels]
    assert [list(a["probabilities"].values()) for a in found] == decided.probabilities.tolist()


@pytest.mark.parametrize("classes", CLASSES)
def test_an_answer_that_is_not_finite_is_an_error(classes: tuple[str, ...], monkeypatch: pytest.MonkeyPatch) -> None:
    """A model that gives nan is never quoted, alone or in a batch."""
    served = answerer(classes)
    width = max(1, len(classes))
    monkeypatch.setattr(Echo, "answer", lambda self, values: [NAN] * width)
    monkeypatch.setattr(Echo, "predict", lambda self, rows: np.full((len(rows), width) if classes else len(rows), NAN))
    for body in (b"{}", b"[{}]"):
        with pytest.raises(RequestError, match="no finite answer for row 0") as caught:
            served.answer(body)
        assert caught.value.status == 500


def test_fewer_rows_may_be_allowed() -> None:
    """The cap on rows is the caller's to set."""
    with pytest.raises(RequestError, match="more than 2 rows"):
        Answerer(toy(), most_rows=2).answer(b"[{},{},{}]")


def test_a_schema_of_one_column_answers() -> None:
    """The smallest schema works like any other."""
    schema = replace(toy().schema, columns=COLUMNS[:1])
    assert set(json.loads(Answerer(toy(schema=schema)).answer(b'{"age": 1}'))) == {"prediction", "probabilities"}
