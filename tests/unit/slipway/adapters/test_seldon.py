from __future__ import annotations

from pathlib import Path
from typing import Any

import flask
import numpy as np
import pytest

from slipway.adapters.seldon import SeldonRelease, refusal
from slipway.contracts.request import RequestBroken
from slipway.release import ReleaseBroken
from tests.live_server import rows

Rows = list[dict[str, Any]]


@pytest.fixture(scope="module")
def model(release_folder: Path) -> SeldonRelease:
    return SeldonRelease(str(release_folder))


@pytest.fixture(scope="module")
def sample(model: SeldonRelease) -> Rows:
    return rows(model.release.fields, 50, seed=1)


def table(some: Rows, dtype: Any = object) -> Any:
    return np.array([list(row.values()) for row in some], dtype=dtype)


def test_one_row_many_rows_and_maps_score_alike(model: SeldonRelease, sample: Rows) -> None:
    names = list(sample[0])
    answers = model.predict(table(sample), names).tolist()
    assert len({score for score, _ in answers}) > 25
    assert {decision for _, decision in answers} == {True, False}
    assert model.predict(sample, []).tolist() == answers
    for row, answer in zip(sample, answers, strict=True):
        assert model.predict(table([row]), names, meta={}).tolist() == [answer]
        assert model.predict(row, []).tolist() == [answer]
        assert answer[0] == model.release.score_row(row)


def test_columns_without_names_are_the_signatures(model: SeldonRelease, sample: Rows) -> None:
    assert [*sample[0]] == [field.name for field in model.release.fields]
    assert model.predict(table(sample), []).tolist() == model.predict(sample, []).tolist()


def test_numbers_that_arrive_as_text_keep_their_bits(model: SeldonRelease, sample: Rows) -> None:
    whole = [row for row in sample if None not in row.values()]
    as_text = table(whole, dtype=None)
    assert as_text.dtype.kind == "U"
    assert model.predict(as_text, list(whole[0])).tolist() == model.predict(whole, []).tolist()


@pytest.mark.parametrize("text", ["far", "True", "nan", "1_000", "[1]", "null", "", " "])
def test_text_that_is_no_number_stays_text_and_is_refused(model: SeldonRelease, sample: Rows, text: str) -> None:
    row = next(row for row in sample if None not in row.values()) | {"distance": text}
    with pytest.raises(RequestBroken, match=r"field 'distance', row 0.*rule type"):
        model.predict(table([row], dtype=None), list(row))


@pytest.mark.parametrize(
    ("data", "names", "message"),
    [
        (np.array([]), [], r"shape \[0\] does not fit"),
        (np.array([[1.0]]), ["month"], "'year', row 0: it is missing"),
        (np.array([[1.0, 2.0]]), ["month"], r"shape \[1, 2\] does not fit 1 columns"),
        (np.array([[1.0, 2.0]]), ["month", "month"], "two columns have this name"),
        ("text", [], "must hold data.ndarray"),
        ([1], [], "must hold data.ndarray"),
        ([], [], "there are 0 rows"),
    ],
)
def test_what_holds_no_rows_is_refused(model: SeldonRelease, data: Any, names: list[str], message: str) -> None:
    with pytest.raises(RequestBroken, match=message):
        model.predict(data, names)


def test_a_broken_row_is_answered_with_400_that_names_field_and_rule(model: SeldonRelease, sample: Rows) -> None:
    app = flask.Flask("wrapper")
    app.register_blueprint(model.model_error_handler)
    app.add_url_rule("/", view_func=lambda: model.predict([sample[0], sample[1] | {"month": 13}], []))
    answer = app.test_client().get("/")
    assert answer.status_code == 400
    content = answer.get_json()
    assert content["status"]["reason"] == "MICROSERVICE_BAD_DATA"
    assert content["meta"]["tags"]["details"] == [
        {"field": "month", "rule": "maximum", "row": 1, "message": "13 is above 12"}
    ]


def test_refusals_say_at_most_a_hundred_breaches(model: SeldonRelease, sample: Rows) -> None:
    with pytest.raises(RequestBroken) as broken:
        model.predict([row | {"month": 13} for row in sample * 4], [])
    assert len(sample) * 4 > 100 == len(refusal(broken.value)["meta"]["tags"]["details"])
    assert "; and at least 90 more" in refusal(broken.value)["status"]["info"]


def test_a_release_that_does_not_verify_is_not_loaded(tmp_path: Path) -> None:
    with pytest.raises(ReleaseBroken):
        SeldonRelease(str(tmp_path))
