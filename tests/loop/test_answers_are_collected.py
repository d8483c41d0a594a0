"""From an answer to a labelled row: the server, NATS and the collector as the processes that they are."""

from __future__ import annotations

import json
from pathlib import Path

import polars as pl

from slipway.request_log import partitions
from tests.conftest import MODEL, ROOT
from tests.faults.workspace import Workspace
from tests.live_server import LiveServer, rows, tensors
from tests.nats_server import NatsServer

REQUESTS = 300


def _ask(live: LiveServer, seed: int, how: str) -> dict[str, float]:
    """Ask for one row at a time; the score by request id."""
    scores = {}
    for number, row in enumerate(rows(live.fields, REQUESTS, seed)):
        identity = f"{how}-{number}"
        if how == "v2":
            message = {"id": identity, "inputs": tensors(live.fields, [row])}
            status, answer = live.post(f"/v2/models/{MODEL}/infer", message)
            score = answer["outputs"][0]["data"][0]
        else:
            status, answer = live.post("/api/v1.0/predictions", {"jsonData": row, "meta": {"puid": identity}})
            score = answer["data"]["ndarray"][0][0]
        assert status == 200, answer
        scores[identity] = score
    return scores


def _tell(live: LiveServer, identity: str, late: bool) -> None:
    message = {"response": {"meta": {"puid": identity}}, "truth": {"data": {"ndarray": [float(late)]}}, "reward": 1.0}
    status, answer = live.post("/api/v1.0/feedback", message)
    assert status == 200, answer


def _reward(live: LiveServer, identity: str, reward: float) -> None:
    status, answer = live.post("/api/v1.0/feedback", {"response": {"meta": {"puid": identity}}, "reward": reward})
    assert status == 200, answer


def test_every_answer_is_stored_once_with_its_score_and_its_label(release_folder: Path, tmp_path: Path) -> None:
    nats = NatsServer(tmp_path / "nats")
    log = ("--request-log", nats.url, "--spool", str(tmp_path / "spool"))
    with LiveServer(release_folder, *log, log=tmp_path / "first") as live:
        told = _ask(live, 1, "v2")
        assert live.stop() == 0, "NATS is away: what was answered waits in the spool"
    with nats, LiveServer(release_folder, *log, log=tmp_path / "second") as live:
        told |= _ask(live, 2, "seldon")
        for identity in ("v2-7", "seldon-7", "v2-7"):
            _tell(live, identity, late=True)
        _reward(live, "v2-8", 0.5)
        live.wait_until_sent()
        assert live.stop() == 0
        collected = tmp_path / "collected"
        done = Workspace(ROOT).slipway("collect", "--nats", nats.url, "--to", str(collected), "--json")
        assert done.returncode == 0, done.stderr
    assert json.loads(done.stdout)["collected"]["answers"] == 2 * REQUESTS
    stored = partitions.answers(collected).collect()
    assert stored["id"].is_unique().all()
    assert dict(zip(stored["id"], stored["score"], strict=True)) == told
    assert stored["release"].unique().to_list() == [release_folder.name]
    labelled = pl.read_parquet(collected / "labelled" / "**" / "*.parquet")
    assert labelled.sort("id").select("id", "truth", "reward").rows() == [
        ("seldon-7", 1.0, 1.0), ("v2-7", 1.0, 1.0), ("v2-8", None, 0.5)
    ]  # fmt: skip
