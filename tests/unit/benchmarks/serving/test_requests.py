from __future__ import annotations

import json
from pathlib import Path

from benchmarks.serving import requests
from slipway.contracts.request import RequestRules


def test_rows_are_many_and_valid(release_folder: Path) -> None:
    rows = requests.rows(release_folder)
    assert len({json.dumps(row) for row in rows}) > 400
    rules = RequestRules(requests.fields(release_folder))
    assert all(rules.row(row) == row for row in rows)


def test_both_protocols_say_the_same_rows(release_folder: Path) -> None:
    rows = requests.rows(release_folder)
    for body, row in zip(requests.open_inference(release_folder).bodies, rows, strict=True):
        assert {tensor["name"]: tensor["data"][0] for tensor in json.loads(body)["inputs"]} == row
    for body, row in zip(requests.seldon(release_folder).bodies, rows, strict=True):
        data = json.loads(body)["data"]
        assert dict(zip(data["names"], data["ndarray"][0], strict=True)) == row


def test_features_are_what_the_release_scores(release_folder: Path) -> None:
    features = requests.features(release_folder)
    assert len(features) == len(requests.rows(release_folder))
    for row, v2, v1 in zip(
        features,
        requests.open_inference_features(release_folder).bodies,
        requests.seldon_features(release_folder).bodies,
        strict=True,
    ):
        (tensor,) = json.loads(v2)["inputs"]
        assert (tensor["shape"], tensor["data"]) == ([1, len(row)], row)
        assert json.loads(v1) == {"data": {"ndarray": [row]}}
