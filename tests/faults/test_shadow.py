"""Two real servers that get the same requests, as by a mirror, and the pairs that the request log has of them."""

from __future__ import annotations

import json
from collections.abc import Iterator
from contextlib import ExitStack
from datetime import UTC, datetime, timedelta
from pathlib import Path
from typing import Any

import pytest

from slipway.canary.observation import Rollout, Shadowed
from slipway.canary.shadow_log import ShadowLog
from slipway.release.record import Challenger, Published, Record
from slipway.rendering.canary import Shadow
from slipway.rendering.served import predictor_name
from slipway.request_log.settings import Access
from tests import rollouts
from tests.conftest import MODEL, ROOT
from tests.live_server import LiveServer, rows, tensors
from tests.nats_server import NatsServer
from tests.toy_platform import IMAGES

V2, SELDON = f"/v2/models/{MODEL}/infer", "/api/v1.0/predictions"
CHAMPION = next((ROOT / "models" / MODEL / "champion").glob("*/manifest.json")).parent


@pytest.fixture
def nats(tmp_path: Path) -> Iterator[NatsServer]:
    with NatsServer(tmp_path / "nats") as server:
        yield server


@pytest.fixture
def servers(nats: NatsServer, release_folder: Path, tmp_path: Path) -> Iterator[list[LiveServer]]:
    """Champion and challenger."""
    with ExitStack() as running:
        yield [
            running.enter_context(
                LiveServer(
                    release,
                    "--request-log",
                    nats.url,
                    log=tmp_path / name,
                    environment={
                        "XDG_STATE_HOME": str(tmp_path / f"{name}-state"),
                        "PREDICTOR_ID": predictor_name(Published(release=release.name, image=image)),
                    },
                )
            )
            for name, release, image in zip(
                ("champion", "challenger"), (CHAMPION, release_folder), IMAGES, strict=False
            )
        ]


def look(nats: NatsServer, challenger: str, tolerance: float) -> Shadowed:
    record = Record(
        champion=Published(release=CHAMPION.name, image=IMAGES[0]),
        challenger=Challenger(release=challenger, image=IMAGES[1], weight=0),
    )
    began = datetime.now(UTC) - timedelta(minutes=5)
    shadow = Shadow(percent=100, pairs=10, differing=0.5, tolerance=tolerance, limit_seconds=60)
    settings = rollouts.canary().model_copy(update={"shadow": shadow})
    log = ShadowLog(Access((nats.url,)))
    found = log.look(Rollout("production", MODEL, record, began, began, "c" * 40), settings, began + timedelta(hours=1))
    assert log.fault == ""
    assert found is not None
    return found


def test_a_copied_request_has_one_id_by_every_protocol(nats: NatsServer, servers: list[LiveServer]) -> None:
    values = rows(servers[0].fields, 30, seed=11)
    asked: list[tuple[str, dict[str, Any], str]] = []
    for number, row in enumerate(values[:10]):
        body = {"inputs": tensors(servers[0].fields, [row])}
        asked.append((V2, body, f"gateway-v2-{number}"))
        asked.append((V2, {**body, "id": f"own-{number}"}, f"gateway-own-{number}"))
    asked.append((V2, {"inputs": tensors(servers[0].fields, values)}, "gateway-rows"))
    for number, row in enumerate(values[:10]):
        seldon = {"data": {"names": list(row), "ndarray": [list(row.values())]}}
        asked.append((SELDON, seldon, f"gateway-seldon-{number}"))
        asked.append((SELDON, {**seldon, "meta": {"puid": f"puid-{number}"}}, f"gateway-puid-{number}"))
    for path, body, identity in asked:
        for server in servers:
            status, _, said = server.send("POST", path, json.dumps(body).encode(), x_request_id=identity)
            assert status == 200, said
    release = servers[1].release.name
    for server in servers:
        server.wait_until_sent()
    loose, strict = look(nats, release, 1.0), look(nats, release, 1e-12)
    assert loose.pairs == strict.pairs == len(asked)
    assert loose.finding is not None
    assert strict.finding is not None
    assert (loose.finding.challenger, strict.finding.challenger) == (0.0, 1.0)
