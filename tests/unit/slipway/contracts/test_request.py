from __future__ import annotations

import sys
import traceback
from functools import partial
from typing import Any

import pandera.errors
import pandera.polars as pa
import polars as pl
import pytest
from hypothesis import given
from hypothesis import strategies as st

from models.flight_delay import contract
from slipway.contracts.derivation import derive
from slipway.contracts.request import RequestBroken, RequestRules, first_doubled, shown
from slipway.contracts.signature import Field

FIELDS = [
    Field("count", "integer", minimum=1, maximum=9),
    Field("seats", "integer", nullable=True),
    Field("speed", "number", nullable=True, minimum=0, maximum=120, multiple_of=1.15078, unit="mph"),
    Field("temp", "number", minimum=-40, maximum=130),
    Field("free", "number", nullable=True),
    Field("carrier", "string", allowed=("AA", "UA")),
    Field("dest", "string", nullable=True, pattern="^[A-Z]{3}$"),
    Field("note", "string", nullable=True),
]
GOOD = {
    "count": 3, "seats": None, "speed": 2 * 1.15078, "temp": 71.5, "free": None, "carrier": "UA", "dest": "LAX",
    "note": "",
}  # fmt: skip
RULES = RequestRules(FIELDS)
JSON = st.recursive(
    st.none() | st.booleans() | st.integers() | st.floats() | st.text(max_size=5),
    lambda inner: st.lists(inner, max_size=3) | st.dictionaries(st.text(max_size=3), inner, max_size=3),
    max_leaves=5,
)

BAD = [
    ("count", True, "type"),
    ("count", 1.5, "type"),
    ("count", "3", "type"),
    ("count", [3], "type"),
    ("count", {"a": 3}, "type"),
    ("count", None, "nullable"),
    ("count", 0, "minimum"),
    ("count", 10, "maximum"),
    ("count", 10.0, "maximum"),
    ("count", float("nan"), "finite"),
    ("count", float("inf"), "finite"),
    ("count", 2**63, "type"),
    ("seats", 2**63, "type"),
    ("seats", -(2**63) - 1, "type"),
    ("seats", 10**4000, "type"),
    ("seats", 1e300, "type"),
    ("seats", False, "type"),
    ("speed", 3 * 1.15078 + 0.02 * 1.15078, "multiple_of"),
    ("speed", -1.15078, "minimum"),
    ("speed", 121 * 1.15078, "maximum"),
    ("temp", None, "nullable"),
    ("temp", True, "type"),
    ("temp", "71", "type"),
    ("temp", float("nan"), "finite"),
    ("temp", float("-inf"), "finite"),
    ("temp", 131, "maximum"),
    ("temp", -40.5, "minimum"),
    ("temp", 10**30, "type"),
    ("free", float("inf"), "finite"),
    ("free", float("nan"), "finite"),
    ("carrier", "ua", "allowed"),
    ("carrier", "", "allowed"),
    ("carrier", 1, "type"),
    ("carrier", [], "type"),
    ("carrier", None, "nullable"),
    ("dest", "lax", "pattern"),
    ("dest", "LAXX", "pattern"),
    ("dest", "LAX\n", "pattern"),
    ("dest", 1.0, "type"),
    ("note", True, "type"),
]


@pytest.mark.parametrize(("name", "value", "rule"), BAD)
def test_a_bad_value_is_refused_by_field_rule_and_row(name: str, value: Any, rule: str) -> None:
    bad = GOOD | {name: value}
    with pytest.raises(RequestBroken) as one:
        RULES.row(bad)
    with pytest.raises(RequestBroken) as several:
        RULES.rows([GOOD, GOOD, bad])
    with pytest.raises(RequestBroken) as columns:
        RULES.columns({key: [GOOD[key], bad[key]] for key in GOOD})
    for row, caught in ((0, one), (2, several), (1, columns)):
        (breach,) = caught.value.breaches
        assert (breach.field, breach.rule, breach.row) == (name, rule, row)
        assert repr(name) in str(caught.value)
        assert f"rule {rule}" in str(caught.value)


@pytest.mark.parametrize(
    ("name", "value", "passed"),
    [
        ("count", 3.0, 3),
        ("seats", 2**63 - 1, 2**63 - 1),
        ("seats", -(2**63), -(2**63)),
        ("speed", 0, 0.0),
        ("speed", 3 * 1.15078 * 1.002, 3 * 1.15078 * 1.002),
        ("speed", None, None),
        ("temp", 71, 71.0),
        ("temp", 130, 130.0),
        ("free", sys.float_info.max, sys.float_info.max),
        ("dest", None, None),
        ("note", "x" * 1000, "x" * 1000),
    ],
)
def test_a_good_value_passes_in_the_type_of_its_field(name: str, value: Any, passed: Any) -> None:
    row = RULES.row(GOOD | {name: value})
    assert row == GOOD | {name: passed}
    assert type(row[name]) is type(passed)
    assert RULES.columns({key: [row[key]] * 2 for key in row})[name] == [passed, passed]


def test_the_order_is_the_signature_s_whatever_the_order_of_the_request() -> None:
    shuffled = dict(reversed(GOOD.items()))
    assert list(RULES.row(shuffled)) == list(GOOD)
    assert list(RULES.rows([shuffled, GOOD])) == list(GOOD)
    assert list(RULES.columns({name: [value] for name, value in shuffled.items()})) == list(GOOD)


def test_missing_and_unknown_fields_are_named() -> None:
    renamed = {("temperature" if name == "temp" else name): value for name, value in GOOD.items()}
    for call, row in (
        (lambda: RULES.row(renamed), 0),
        (lambda: RULES.rows([renamed]), 0),
        (lambda: RULES.columns({name: [value] for name, value in renamed.items()}), None),
    ):
        with pytest.raises(RequestBroken) as caught:
            call()
        found = {(breach.field, breach.rule, breach.row) for breach in caught.value.breaches}
        assert found == {("temp", "required", row), ("temperature", "unknown_field", row)}


def test_a_field_too_many_is_named_although_no_field_is_missing() -> None:
    with pytest.raises(RequestBroken, match="'more', row 1: the signature has no such field"):
        RULES.rows([GOOD, GOOD | {"more": 1}])


def test_columns_of_unequal_length_are_named() -> None:
    columns = {name: [value] * 3 for name, value in GOOD.items()} | {"temp": [1.0, 2.0]}
    with pytest.raises(RequestBroken) as caught:
        RULES.columns(columns)
    (breach,) = caught.value.breaches
    assert (breach.field, breach.rule, breach.message) == ("temp", "length", "it has 2 rows, 'count' has 3")


def test_ten_breaches_are_told_with_how_many_more_there_are() -> None:
    fields = [Field(f"f{number:02d}", "integer") for number in range(24)]
    with pytest.raises(RequestBroken) as caught:
        RequestRules(fields).row({"f00": 1})
    assert [breach.field for breach in caught.value.breaches] == [field.name for field in fields[1:]]
    assert "'f10'" in caught.value.what
    assert "'f11'" not in caught.value.what
    assert caught.value.what.endswith("; and 13 more.")


def test_one_bad_request_does_not_have_a_thousand_breaches_made() -> None:
    with pytest.raises(RequestBroken, match=r"; and at least 90 more\.") as caught:
        RULES.rows([GOOD | {"count": 0, "temp": None}] * 500)
    assert [(breach.row, breach.field) for breach in caught.value.breaches[:3]] == [
        (0, "count"),
        (0, "temp"),
        (1, "count"),
    ]
    assert len(caught.value.breaches) == 100


def test_all_breaches_of_a_row_are_told_on_request() -> None:
    assert RULES.breaches(GOOD) == []
    wrong = {name: [1] for name in GOOD} | {f"extra{number}": 1 for number in range(5)}
    assert len(RULES.breaches(wrong)) == len(wrong) > 10


def test_an_unknown_kind_is_refused_when_compiled() -> None:
    with pytest.raises(ValueError, match="field x: kind 'date'"):
        RequestRules([Field("x", "date")])


@pytest.mark.parametrize(
    ("field", "value", "rule"),
    [
        (Field("p", "string", pattern="[A-Z]{3}", logged="tokenised"), "Ada Lovelace", "pattern"),
        (Field("p", "string", allowed=("yes",), logged="dropped"), "Ada Lovelace", "allowed"),
        (Field("p", "integer", maximum=9, logged="dropped"), 1815121027, "maximum"),
        (Field("p", "integer", logged="dropped"), 1815121027 * 10**20, "type"),
        (Field("p", "number", logged="tokenised"), "Ada Lovelace", "type"),
        (Field("p", "string", logged="dropped"), None, "nullable"),
    ],
)
def test_no_message_says_a_personal_value(field: Field, value: Any, rule: str) -> None:
    rules = RequestRules([field])
    calls = (lambda: rules.row({"p": value}), lambda: rules.rows([{"p": value}]), lambda: rules.columns({"p": [value]}))
    for call in calls:
        with pytest.raises(RequestBroken) as caught:
            call()
        assert [(breach.field, breach.rule) for breach in caught.value.breaches] == [("p", rule)]
        told = "".join(traceback.format_exception(caught.value))
        assert "Ada" not in told
        assert "1815121027" not in told


def test_a_personal_value_that_keeps_its_rules_passes() -> None:
    assert RequestRules([Field("p", "integer", logged="tokenised")]).row({"p": 3.0}) == {"p": 3}


@given(st.sampled_from([field.name for field in FIELDS]), JSON)
def test_any_json_value_either_passes_or_is_refused_by_name(name: str, value: Any) -> None:
    outcome = _outcome(lambda: RULES.row(GOOD | {name: value}), RequestBroken)
    if isinstance(outcome, RequestBroken):
        assert [breach.field for breach in outcome.breaches] == [name]
    else:
        assert outcome[name] == value


@given(JSON)
def test_a_shown_value_is_short_and_printable(value: Any) -> None:
    assert len(shown(value)) < 400
    shown(value).encode()


def _around(field: Field) -> list[Any]:
    if field.kind == "string":
        return ["", "UA", "ua", "JFK", "LGA", "XXX", "EWRR", *(field.allowed or ())]
    low, high, step = field.minimum, field.maximum, field.multiple_of or 1
    assert low is not None
    assert high is not None
    edges = [low - 1, low, low + step, high - step, high, high + 1, 0, -low]
    if field.kind == "integer":
        return [int(edge) for edge in edges]
    grid = [step * steps for steps in (1, 2, 3.009, 3.011, 4.5, 50.0, 50.02)]
    return [float(value) for value in (*edges, *grid)]


@pytest.mark.parametrize("field", derive(contract.RAW), ids=lambda field: field.name)
def test_the_server_accepts_exactly_what_the_contract_accepts(field: Field) -> None:
    column = pa.DataFrameSchema({field.name: contract.RAW.columns[field.name]})
    rules = RequestRules([field])
    dtype = contract.RAW.columns[field.name].dtype.type
    for value in [None, *_around(field)]:
        table = pl.DataFrame({field.name: [value]}, schema={field.name: dtype})
        served = _outcome(partial(rules.row, {field.name: value}), RequestBroken)
        trained = _outcome(partial(column.validate, table, lazy=True), pandera.errors.SchemaErrors)
        assert isinstance(served, RequestBroken) == isinstance(trained, pandera.errors.SchemaErrors), value


def _outcome(call: Any, refusal: type[Exception]) -> Any:
    try:
        return call()
    except refusal as error:
        return error


def test_a_value_too_huge_to_count_in_steps_is_refused() -> None:
    rules = RequestRules([Field("steps", "number", multiple_of=0.1)])
    for value in (sys.float_info.max, -sys.float_info.max):
        with pytest.raises(RequestBroken) as caught:
            rules.row({"steps": value})
        assert [breach.rule for breach in caught.value.breaches] == ["multiple_of"]


class Counted(str):
    """A name that counts how often it is hashed or compared."""

    __slots__ = ()
    operations = 0

    def __hash__(self) -> int:
        Counted.operations += 1
        return super().__hash__()

    def __eq__(self, other: object) -> bool:
        Counted.operations += 1
        return super().__eq__(other)


def operations(names: int) -> int:
    """What it takes to find that the last of so many names is the first one again."""
    Counted.operations = 0
    assert first_doubled([Counted(number) for number in range(names)] + [Counted(0)]) == "0"
    return Counted.operations


def test_a_doubled_name_is_found_in_linear_time() -> None:
    """By counting, not by the clock: 16 times the names take at most about 16 times the operations."""
    few, many = operations(1_000), operations(16_000)
    assert few < 10 * 1_000
    assert many < 1.5 * 16 * few
