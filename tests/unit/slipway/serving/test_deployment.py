from __future__ import annotations

from slipway.serving.deployment import Deployment


def test_seldon_s_names_are_read_and_missing_ones_are_empty() -> None:
    environment = {"PREDICTOR_ID": "main", "SELDON_DEPLOYMENT_ID": "flights", "OTHER": "x"}
    assert Deployment.of(environment) == Deployment(predictor="main", unit="", deployment="flights")
    assert Deployment.of({}) == Deployment()
