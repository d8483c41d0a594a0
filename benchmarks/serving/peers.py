"""Whom ours is compared with: each of the two stock servers, with three models.

our class   Slipway's own, compiled rules and scoring included: the same work, so what differs is the server
team        the whole job by a class as a team would write it: pydantic, polars, LightGBM's Python package
features    less than the job: features that somebody else has computed, nothing checked, a score and no decision
"""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass
from pathlib import Path

from benchmarks.serving import requests, stock
from benchmarks.serving.requests import Requests
from benchmarks.serving.servers import Launch
from benchmarks.serving.stock import Model

V2, V1 = "V2", "Seldon v1"
MLSERVER, SELDON = "mlserver", "seldon"
# The documentation leaves them to experiment; what was best before stands first.
_MLSERVER_SETTINGS = ((0, 0), (2, 0), (0, 16), (2, 16))
_SELDON_SETTINGS = ((2, 1), (2, 8), (4, 1), (1, 8))
_TEAMS = "benchmarks.serving.teams"


@dataclass(frozen=True)
class Peer:
    """A stock server with a model.

    Attributes:
        name: unique, for JSON and folders; MLSERVER and SELDON for those that run our own class.
        title: of the comparison.
        protocol: V2 for MLServer, V1 for Seldon's wrapper.
        model: what it runs.
        requests: what it is asked.
    """

    name: str
    title: str
    protocol: str
    model: Model
    requests: Requests


def peers(release: Path) -> list[Peer]:
    """All of them, by protocol."""
    whole, trees, model = release.resolve(), release.resolve() / "model.txt", release.parent.name
    v2, v1 = requests.open_inference(release), requests.seldon(release)
    team, runtime = (
        Model(f"{_TEAMS}.rows.RowsModel", whole, model),
        Model(f"{_TEAMS}.runtime.RowsRuntime", whole, model),
    )
    documented = Model(f"{_TEAMS}.features.FeaturesModel", trees, model, parameter="model_file")
    own_runtime = Model("mlserver_lightgbm.LightGBMModel", trees, model)
    v2_features, v1_features = requests.open_inference_features(release), requests.seldon_features(release)
    return [
        Peer(MLSERVER, "V2 against MLServer, our class", V2, stock.slipway_in_mlserver(release), v2),
        Peer("mlserver-team", "V2 against MLServer, a team's class", V2, runtime, v2),
        Peer(
            "mlserver-features", "V2 against MLServer's LightGBM runtime, given features", V2, own_runtime, v2_features
        ),
        Peer(SELDON, "Seldon v1 against its wrapper, our class", V1, stock.slipway_in_seldon(release), v1),
        Peer("seldon-team", "Seldon v1 against its wrapper, a team's class", V1, team, v1),
        Peer("seldon-features", "Seldon v1 against its documented class, given features", V1, documented, v1_features),
    ]


def candidates(peer: Peer, scratch: Path) -> Sequence[Launch]:
    """The peer with each of the settings; those of MLServer are written below ``scratch``."""
    if peer.protocol == V1:
        return [stock.seldon(peer.model, workers, threads) for workers, threads in _SELDON_SETTINGS]
    return [
        stock.mlserver(peer.model, scratch / f"{peer.name}-{workers}-{batch}", workers, batch)
        for workers, batch in _MLSERVER_SETTINGS
    ]
