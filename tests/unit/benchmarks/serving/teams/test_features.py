from __future__ import annotations

from pathlib import Path

import numpy as np

from benchmarks.serving import requests
from benchmarks.serving.teams.features import FeaturesModel
from slipway.release import load


def test_it_scores_features_and_takes_none_for_a_missing_one(release_folder: Path) -> None:
    model, release = FeaturesModel(str(release_folder / "model.txt")), load(release_folder)
    features = requests.features(release_folder)
    assert any(None in row for row in features)
    scores = model.predict(np.array(features, dtype=object), [])
    assert scores.tolist() == [release.score_row(row) for row in requests.rows(release_folder)]
