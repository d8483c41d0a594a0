"""The peers do the work that the benchmark says: each real stock server, asked its own requests, scores as ours."""

from __future__ import annotations

import json
from pathlib import Path
from typing import Any

import pytest

from benchmarks.serving import peers, requests, servers
from benchmarks.serving.peers import V1, Peer
from slipway.release import Release, load
from tests.stock_servers import post

NAMES = ["mlserver", "mlserver-team", "mlserver-features", "seldon", "seldon-team", "seldon-features"]
FEW = 20


@pytest.fixture(scope="module")
def release(release_folder: Path) -> Release:
    return load(release_folder)


@pytest.fixture(scope="module")
def all_peers(release_folder: Path) -> dict[str, Peer]:
    return {peer.name: peer for peer in peers.peers(release_folder)}


def answer(peer: Peer, found: Any) -> list[float]:
    """Score, and decision where it says one."""
    if peer.protocol == V1:
        return list(found["data"]["ndarray"][0] if "-features" not in peer.name else found["data"]["ndarray"])
    return [output["data"][0] for output in found["outputs"]]


def test_there_are_three_of_each_server(all_peers: dict[str, Peer]) -> None:
    assert list(all_peers) == NAMES


@pytest.mark.parametrize("name", NAMES)
def test_a_peer_scores_the_same_rows_to_the_same_bits(
    name: str, all_peers: dict[str, Peer], release: Release, release_folder: Path, tmp_path: Path
) -> None:
    peer = all_peers[name]
    offered = peers.candidates(peer, tmp_path)
    assert len({launch.name for launch in offered}) == 4
    with servers.running(offered[0], tmp_path / "run") as up:
        for row, body in list(zip(requests.rows(release_folder), peer.requests.bodies, strict=True))[::FEW]:
            status, found = post(up.url + peer.requests.path, json.loads(body))
            score = release.score_row(row)
            wanted = [score] if name.endswith("-features") else [score, score >= release.threshold]
            assert (status, answer(peer, found)) == (200, wanted)


# Seldon's wrapper answers 500 to an exception that no handler of the class words.
@pytest.mark.parametrize(("name", "refusal"), [("mlserver-team", 400), ("seldon-team", 500)])
def test_a_teams_class_refuses_a_row_that_breaks_a_rule(
    name: str, refusal: int, all_peers: dict[str, Peer], release_folder: Path, tmp_path: Path
) -> None:
    peer = all_peers[name]
    broken = next(field for field in requests.fields(release_folder) if field.maximum is not None)
    body = json.loads(peer.requests.bodies[0])
    if peer.protocol == V1:
        body["data"]["ndarray"][0][body["data"]["names"].index(broken.name)] = broken.maximum + 1
    else:
        next(one for one in body["inputs"] if one["name"] == broken.name)["data"] = [broken.maximum + 1]
    with servers.running(peers.candidates(peer, tmp_path)[0], tmp_path / "run") as up:
        status, _ = post(up.url + peer.requests.path, body)
    assert status == refusal
