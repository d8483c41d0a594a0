"""Requests in every form become the same row, and every broken rule is named."""

from __future__ import annotations

import json
from dataclasses import replace
from pathlib import Path
from typing import Any

import pytest

from slipway.errors import EnvironmentFault, UsageError
from slipway.explain import RequestRefused, explain, question
from slipway.files import read_json
from slipway.release import Release
from slipway.request_log import Answered, Served
from slipway.request_log.events import Encoder
from slipway.request_log.partitions import Store
from slipway.request_log.personal import Redaction
from slipway.request_log.reading import Message, read
from slipway.serving.replies import Refused
from tests.live_server import rows, tensors

NOON = 1_764_000_000_000_000_000


@pytest.fixture
def example(release: Release) -> dict[str, Any]:
    return dict(read_json(release.folder / "example.json"))


def _ask(release: Release, message: Any, row: int = 0) -> question.Question:
    body = message if isinstance(message, bytes) else json.dumps(message).encode()
    return question.from_body(body, "body", release, row)


def _forms(release: Release, values: list[dict[str, Any]]) -> dict[str, Any]:
    names = [field.name for field in release.fields]
    table = [[row[name] for name in names] for row in values]
    return {
        "v2": {"inputs": tensors(release.fields, values)},
        "jsonData": {"jsonData": values if len(values) > 1 else values[0]},
        "ndarray": {"data": {"names": names, "ndarray": table}},
    }


def test_every_form_is_the_same_row(release: Release, example: dict[str, Any]) -> None:
    found = [_ask(release, form).row for form in (*_forms(release, [example]).values(), example)]
    assert found == [question.example(release).row] * 4
    assert list(found[0]) == [field.name for field in release.fields]


@pytest.mark.parametrize("form", ["v2", "jsonData", "ndarray"])
def test_one_row_of_several_is_chosen(release: Release, form: str) -> None:
    values = rows(release.fields, 3, seed=2)
    message = _forms(release, values)[form]
    asked = _ask(release, message, 2)
    assert asked.row == values[2]
    assert asked.source.endswith("row 2 of 3")
    with pytest.raises(UsageError, match="has 3 rows, so there is no row 3"):
        _ask(release, message, 3)


BROKEN = {"distance": -1, "carrier": "ZZ", "temp": "warm", "origin": None, "month": 13}


def _broken(example: dict[str, Any]) -> dict[str, Any]:
    return {name: value for name, value in (example | BROKEN).items() if name != "visib"}


def test_an_array_without_names_is_in_the_order_of_the_signature(release: Release, example: dict[str, Any]) -> None:
    values = [example[field.name] for field in release.fields]
    assert _ask(release, {"data": {"ndarray": [values]}}).row == question.example(release).row
    with pytest.raises(RequestRefused) as caught:
        _ask(release, {"data": {"ndarray": [["2013", *values[1:]]]}})
    assert [entry.value for entry in caught.value.checked if entry.breaches] == ["2013"]


@pytest.mark.parametrize("form", ["row", "v2", "jsonData"])
def test_every_broken_rule_is_named(release: Release, example: dict[str, Any], form: str) -> None:
    row = _broken(example)
    fields = [field for field in release.fields if field.name in row]
    messages = {"row": row, "v2": {"inputs": tensors(fields, [row])}, "jsonData": {"jsonData": row}}
    with pytest.raises(RequestRefused) as caught:
        _ask(release, messages[form])
    rules = {(breach.field, breach.rule) for breach in caught.value.breaches}
    assert {
        ("distance", "minimum"), ("carrier", "allowed"), ("temp", "type"), ("origin", "nullable"),
        ("month", "maximum"), ("visib", "required"),
    } <= rules  # fmt: skip
    assert caught.value.exit_code == 2
    assert "breaks 6 rules" in caught.value.what
    assert caught.value.what.count("(rule ") == 3
    assert "; and 3 more." in caught.value.what
    assert sum(bool(entry.breaches) for entry in caught.value.checked) == 6


def test_more_than_ten_are_named(release: Release, example: dict[str, Any]) -> None:
    nothing = dict.fromkeys(example, "nothing") | {"extra": 1}
    for message in (nothing, {"jsonData": nothing}):
        with pytest.raises(RequestRefused) as caught:
            _ask(release, message)
        assert len(caught.value.breaches) == len(example) + 1
        assert ("extra", "unknown_field") in {(breach.field, breach.rule) for breach in caught.value.others}


def test_what_only_the_protocol_forbids_is_named_too(release: Release, example: dict[str, Any]) -> None:
    message = {"inputs": tensors(release.fields, [example])}
    message["inputs"][0]["datatype"] = "BOOL"
    with pytest.raises(RequestRefused) as caught:
        _ask(release, message)
    assert [(breach.field, breach.rule) for breach in caught.value.others] == [("year", "datatype")]
    assert not any(entry.breaches for entry in caught.value.checked)


@pytest.mark.parametrize(
    ("body", "said"),
    [
        (b"", "not valid JSON"),
        (b"{", "not valid JSON"),
        (b"\xff\xfe", "not valid JSON"),
        (b'{"a":' * 100_000, "not valid JSON"),
        (b"[1, 2]", "wrong shape"),
        (b'{"inputs": 3}', "wrong shape"),
        (b'{"jsonData": []}', "0 rows"),
        (b'{"year": 2013, "year": 2014}', "occurs twice"),
    ],
)
def test_what_is_no_request_is_exit_2(release: Release, body: bytes, said: str) -> None:
    with pytest.raises((UsageError, Refused), match=said) as caught:
        _ask(release, body)
    assert caught.value.exit_code == 2


@pytest.fixture
def log(release: Release, tmp_path: Path) -> Path:
    """A collected request log with three answers, the last of two rows."""
    values = rows(release.fields, 4, seed=5)
    scores = [release.score_row(row) for row in values]
    decisions = [score >= release.threshold for score in scores]
    columns = {name: [row[name] for row in values[2:]] for name in values[0]}
    records = [
        Answered("one", NOON, 0.001, values[0], None, scores[:1], decisions[:1], "v2"),
        Answered("two", NOON + 1, 0.001, values[1], None, [scores[1] / 2], decisions[1:2], "v2"),
        Answered("many", NOON + 2, 0.001, None, columns, scores[2:], decisions[2:], "seldon"),
    ]
    served = Served(release.model, release.digest, "champion", "toy", release.fields)
    pieces = Encoder(served, Redaction(release.fields, None)).pieces(records, 1 << 20)
    store = Store(tmp_path / "collected")
    for place, table in read([Message("b", b"[" + b",".join(piece for _, piece in pieces) + b"]")]).tables:
        store.add(place, [table])
    store.close()
    return tmp_path / "collected"


def test_an_answer_of_the_log_is_the_request_and_what_was_answered(release: Release, log: Path) -> None:
    asked = question.from_log(log, "one", release)
    assert asked.recorded is not None
    assert asked.recorded.time.startswith("2025-11-24T16:00:00")
    found = explain(release, asked)
    assert (found.score, found.decision) == (asked.recorded.score, asked.recorded.decision)
    second = explain(release, question.from_log(log, "many", release, 1))
    assert second.question.source == "request 'many' of the log, row 1 of 2"
    assert second.score != explain(release, question.from_log(log, "many", release, 0)).score


def test_a_copy_that_a_shadow_answered_later_is_not_taken_for_the_answer(release: Release, log: Path) -> None:
    (value,) = rows(release.fields, 1, seed=5)
    shadow = Served(release.model, "e" * 64, "challenger", "toy", release.fields)
    copy = Answered("one", NOON + 9, 0.001, value, None, [0.9], [True], "v2")
    pieces = Encoder(shadow, Redaction(release.fields, None)).pieces([copy], 1 << 20)
    store = Store(log)
    for place, table in read([Message("c", b"[" + b",".join(piece for _, piece in pieces) + b"]")]).tables:
        store.add(place, [table])
    store.close()
    asked = question.from_log(log, "one", release)
    assert asked.recorded is not None
    assert asked.recorded.score != 0.9


def test_an_answer_that_the_release_does_not_give_is_no_explanation(release: Release, log: Path) -> None:
    with pytest.raises(EnvironmentFault, match="recorded the score"):
        explain(release, question.from_log(log, "two", release))


@pytest.mark.parametrize(("identity", "row"), [("none", 0), ("one", 1), ("many", 2)])
def test_an_answer_that_is_not_there(release: Release, log: Path, identity: str, row: int) -> None:
    with pytest.raises(UsageError, match=f"no answer with id '{identity}' and row {row}"):
        question.from_log(log, identity, release, row)


def test_an_answer_of_another_release_names_it(release: Release, log: Path) -> None:
    other = replace(release, digest="f" * 64)
    with pytest.raises(UsageError, match=f"answered by release {release.digest}, not by ffff"):
        question.from_log(log, "one", other)


def test_a_field_that_the_log_does_not_keep_is_named(release: Release, log: Path) -> None:
    discreet = replace(release, fields=[replace(release.fields[0], logged="dropped"), *release.fields[1:]])
    with pytest.raises(UsageError, match=f"does not keep {release.fields[0].name}"):
        question.from_log(log, "one", discreet)


def test_no_log_at_all(release: Release, tmp_path: Path) -> None:
    with pytest.raises(EnvironmentFault, match="holds no answers"):
        question.from_log(tmp_path, "one", release)
