"""A release on its way to people: published, promoted, served through the gateway, logged, scaled, and hard to lose."""

from __future__ import annotations

import base64
import json
import logging
import os
import re
import signal
import socket
import subprocess
import time
import urllib.request
from collections.abc import Iterator
from contextlib import contextmanager, suppress
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import polars as pl
import pytest
import yaml

from slipway.release import load
from slipway.release.record import Published
from slipway.rendering.served import service_name
from slipway.request_log.partitions import answers, feedback
from tests.cluster import killing
from tests.cluster.clone import Clone
from tests.cluster.load import Load
from tests.cluster.platform import Platform, eventually
from tests.conftest import MODEL
from tests.live_server import free_port, rows, tensors

log = logging.getLogger(__name__)

NAME = "flight-delay"
INFER, PREDICT, FEEDBACK = f"/v2/models/{MODEL}/infer", "/api/v1.0/predictions", "/api/v1.0/feedback"
PATIENCE = 300.0
"""Seconds for a cluster on two busy cores."""
ENVIRONMENTS = ("staging", "production")


@dataclass(frozen=True)
class Serving:
    """The model on the platform, and a clone of the monorepo from which it was promoted."""

    clone: Clone
    release: Path
    image: str

    @property
    def platform(self) -> Platform:
        return self.clone.platform

    @property
    def predictor(self) -> str:
        """The name of the release's Service."""
        return service_name(MODEL, Published(release=self.release.name, image=self.image))

    @property
    def deployment(self) -> str:
        return f"{self.predictor}-0-server"

    def settings(self) -> dict[str, Any]:
        """Production's settings in the clone."""
        found: dict[str, Any] = yaml.safe_load(self._settings.read_text())
        return found

    def commit(self, changes: dict[str, Any]) -> None:
        """Change production's settings as people do: edit, render, commit, push."""
        self._settings.write_text(yaml.safe_dump({**self.settings(), **changes}, sort_keys=False))
        self.clone.push("Change how production serves")

    @property
    def _settings(self) -> Path:
        return self.clone.top / "gitops/envs/production" / MODEL / "settings.yaml"

    def host(self, environment: str = "production") -> str:
        return f"{NAME}.{environment}.localhost"

    def post(self, path: str, message: Any, environment: str = "production") -> Any:
        """An answer through the gateway."""
        headers = {"Host": self.host(environment), "Content-Type": "application/json"}
        url = self.platform.record["urls"]["gateway"] + path
        request = urllib.request.Request(url, json.dumps(message).encode(), headers)
        with urllib.request.urlopen(request, timeout=30) as answer:
            return json.load(answer)

    def pods(self) -> list[dict[str, Any]]:
        """Production's pods of the release that are ready and stay."""
        items = self.platform.objects("-n", "production", "pods", "-l", f"seldon-app={self.predictor}")["items"]
        return [pod for pod in items if "deletionTimestamp" not in pod["metadata"] and _is_ready(pod)]

    def load(self) -> Load:
        """Steady load on production."""
        message = {"inputs": tensors(list(load(self.release).fields), [self.example])}
        return Load(self.platform.record["urls"]["gateway"], self.host(), INFER, json.dumps(message).encode())

    @property
    def example(self) -> dict[str, Any]:
        found: dict[str, Any] = json.loads((self.release / "example.json").read_text())
        return found


def _is_ready(pod: dict[str, Any]) -> bool:
    return any(it["type"] == "Ready" and it["status"] == "True" for it in pod["status"].get("conditions", []))


@pytest.fixture(scope="module")
def serving(platform: Platform, release_folder: Path, tmp_path_factory: pytest.TempPathFactory) -> Serving:
    """The release published and promoted to both environments, from a scratch clone of the platform's main."""
    clone = Clone.make(platform, tmp_path_factory.mktemp("clone") / "monorepo")
    clone.hold(release_folder)
    published = clone.asked("publish", MODEL)
    for environment in ENVIRONMENTS:
        # A platform that is there already may run another image of it, and promoting this one would be a roll-out.
        clone.install(environment, Published(release=release_folder.name, image=published["image"]))
        done = clone.asked("promote", MODEL, "--to", environment, "--merge")
        assert (done["image"], done["role"]) == (published["image"], "champion")
    clone.pull()
    served = Serving(clone, release_folder, published["image"])
    for environment in ENVIRONMENTS:
        # Synced and Healthy it may be by what Argo CD knew before the push.
        eventually(lambda name=environment: _runs(served, name), f"{environment} runs what was promoted", PATIENCE)
        eventually(lambda name=environment: _answers(served, name), f"{environment} answers", PATIENCE)
    return served


def _runs(serving: Serving, environment: str) -> object:
    found = serving.platform.objects("-n", environment, "seldondeployment", NAME)
    images = [
        container["image"].partition("@")[2]
        for predictor in found["spec"]["predictors"]
        for container in predictor["componentSpecs"][0]["spec"]["containers"]
    ]
    state = found.get("status", {}).get("state")
    return (images == [serving.image] and state == "Available") or (images, state)


def _answers(serving: Serving, environment: str) -> object:
    try:
        serving.post(PREDICT, {"jsonData": serving.example}, environment)
    except OSError as error:
        return str(error)
    return True


def test_the_platform_runs_what_git_says(serving: Serving) -> None:
    for environment in ENVIRONMENTS:
        found = serving.platform.objects("-n", environment, "seldondeployment", NAME)
        assert found["status"]["state"] == "Available"
        (predictor,) = found["spec"]["predictors"]
        assert predictor["annotations"]["slipway.release"] == serving.release.name
        (container,) = predictor["componentSpecs"][0]["spec"]["containers"]
        assert container["image"].endswith(f"models/{NAME}@{serving.image}")
    for pod in serving.pods():
        (container,) = pod["spec"]["containers"]
        assert container["securityContext"]["runAsNonRoot"] is True
        assert container["securityContext"]["readOnlyRootFilesystem"] is True


@pytest.mark.parametrize("environment", ENVIRONMENTS)
def test_the_answer_is_the_offline_answer_to_the_last_bit(serving: Serving, environment: str) -> None:
    release = load(serving.release)
    asked = [serving.example, *rows(list(release.fields), 20, seed=7)]
    message = {"inputs": tensors(list(release.fields), asked)}
    offline = [release.score_row(row) for row in asked]
    v2 = serving.post(INFER, message, environment)
    assert v2["model_version"] == serving.release.name
    scores = {output["name"]: output["data"] for output in v2["outputs"]}[release.score_name]
    assert scores == offline
    v1 = serving.post(PREDICT, {"jsonData": asked}, environment)
    assert [row[0] for row in v1["data"]["ndarray"]] == offline
    assert v1["meta"]["tags"]["release"] == serving.release.name


def test_a_commit_is_applied_in_seconds(serving: Serving) -> None:
    """Also what the tests of scaling need: that it scales down soon."""
    wanted = 31 if serving.settings()["autoscaling"]["scale_down_seconds"] == 30 else 30
    serving.commit({"autoscaling": {**serving.settings()["autoscaling"], "scale_down_seconds": wanted}})
    began = time.monotonic()

    def applied() -> object:
        found = serving.platform.objects("-n", "production", "hpa", serving.predictor)
        held = found["spec"]["behavior"]["scaleDown"]["stabilizationWindowSeconds"]
        return held == wanted or held

    eventually(applied, "the commit is applied", PATIENCE)
    seconds = time.monotonic() - began
    log.info("from push to applied: %.1f s", seconds)


@contextmanager
def forwarded(platform: Platform, namespace: str, target: str, port: int) -> Iterator[int]:
    """A loopback port that leads to one inside the cluster."""
    local = free_port()
    command = [
        platform.kubectl_program,
        f"--kubeconfig={platform.record['kubeconfig']}",
        "-n",
        namespace,
        "port-forward",
    ]
    with subprocess.Popen([*command, target, f"{local}:{port}"], stdout=subprocess.DEVNULL) as process:
        try:
            eventually(lambda: _listens(local), f"a way to {target}", 60)
            yield local
        finally:
            process.terminate()


def _listens(port: int) -> bool:
    with suppress(OSError), socket.create_connection(("127.0.0.1", port), timeout=5):
        return True
    return False


def test_answers_and_feedback_reach_the_request_log(serving: Serving, tmp_path: Path) -> None:
    asked = {f"cluster-{time.time_ns()}-{number}" for number in range(20)}
    for identity in sorted(asked):
        serving.post(PREDICT, {"jsonData": serving.example, "meta": {"puid": identity}})
    told = min(asked)
    message = {"response": {"meta": {"puid": told}}, "truth": {"data": {"ndarray": [1.0]}}, "reward": 1.0}
    serving.post(FEEDBACK, message)
    secret = serving.platform.objects("-n", "nats", "secret", "request-log-collector")["data"]["url"]
    with forwarded(serving.platform, "nats", "service/nats", 4222) as port:
        url = re.sub(r"@.*", f"@127.0.0.1:{port}", base64.b64decode(secret).decode())

        def stored() -> object:
            serving.clone.slipway("collect", "--nats", url, "--to", str(tmp_path), "--consumer", f"tests-{os.getpid()}")
            if not (tmp_path / "feedback").is_dir():
                return "no feedback yet"
            found = answers(tmp_path).collect()
            seen = set(found["id"]) & asked
            return (seen == asked and told in set(feedback(tmp_path).collect()["id"])) or len(seen)

        eventually(stored, "all answers in the request log", PATIENCE)
    mine = answers(tmp_path).filter(pl.col("id").is_in(asked)).collect()
    assert set(mine["release"].cast(str)) == {serving.release.name}
    assert set(mine["deployment"].cast(str)) == {NAME}


def test_a_killed_pod_loses_no_request(serving: Serving) -> None:
    before = _retries(serving.platform)
    with serving.load() as load:
        load.wait_for(200)
        victim, *others = serving.pods()
        assert others, "a single replica cannot be lost without a request"
        killing.kill(killing.processes(victim["metadata"]["uid"]))
        load.wait_for(400)
        eventually(lambda: len(serving.pods()) >= 2 or len(serving.pods()), "two replicas again", PATIENCE)
        load.wait_for(200)
    log.info("answers %s, tried again %d", dict(load.counts), _retries(serving.platform) - before)
    assert set(load.counts) == {200}


def _retries(platform: Platform) -> float:
    """How often the gateway has tried a request of the model once more."""
    selector = "gateway.envoyproxy.io/owning-gateway-name=slipway"
    total = 0.0
    for pod in platform.objects("-n", "envoy-gateway-system", "pods", "-l", selector)["items"]:
        path = f"/api/v1/namespaces/envoy-gateway-system/pods/{pod['metadata']['name']}:19001/proxy/stats/prometheus"
        for line in platform.kubectl("get", "--raw", path).splitlines():
            if line.startswith("envoy_cluster_upstream_rq_retry{") and f"production/{NAME}" in line:
                total += float(line.rpartition(" ")[2])
    return total


def test_a_rolling_update_loses_no_request(serving: Serving) -> None:
    """By a commit: the operator undoes `kubectl rollout restart`, as it should."""
    limits = serving.settings()["resources"]["limits"]
    more = {**limits, "memory": "400Mi" if limits["memory"] == "384Mi" else "384Mi"}
    with serving.load() as load:
        load.wait_for(200)
        old = {pod["metadata"]["uid"] for pod in serving.pods()}
        serving.commit({"resources": {**serving.settings()["resources"], "limits": more}})

        def renewed() -> object:
            found = {pod["metadata"]["uid"] for pod in serving.pods()}
            return (len(found) >= 2 and not found & old) or len(found - old)

        eventually(renewed, "all replicas are new", PATIENCE)
        load.wait_for(400)
    log.info("answers %s", dict(load.counts))
    assert set(load.counts) == {200}


def test_an_autoscaled_deployment_is_at_rest_after_a_change(serving: Serving) -> None:
    """Nobody writes to it when nothing changes: upstream's operator would, for ever."""

    def generations() -> list[int]:
        items = serving.platform.objects("-n", "production", "deployments")["items"]
        return [item["metadata"]["generation"] for item in items]

    def resting() -> object:
        before = generations()
        time.sleep(5)
        after = generations()
        return before == after or f"generations {before}, and 5 s later {after}"

    assert serving.platform.objects("-n", "production", "hpa")["items"]
    eventually(resting, "production's Deployments are at rest", 60)


def test_it_scales_out_under_load_and_back(serving: Serving, tmp_path: Path) -> None:
    message = json.dumps({"inputs": tensors(list(load(serving.release).fields), [serving.example])})
    script = tmp_path / "ask.lua"
    quoted = message.replace("]]", "] ]")
    script.write_text(
        f'wrk.method = "POST"\nwrk.body = [[{quoted}]]\nwrk.headers["Host"] = "{serving.host()}"\n'
        'wrk.headers["Content-Type"] = "application/json"\n'
    )
    url = serving.platform.record["urls"]["gateway"] + INFER

    def replicas() -> int:
        found = serving.platform.objects("-n", "production", "deployment", serving.deployment)
        return int(found["status"].get("readyReplicas", 0))

    eventually(lambda: replicas() == 2 or replicas(), "the least of replicas", PATIENCE)
    command = ["wrk", "-t1", "-c16", f"-d{PATIENCE:.0f}s", "-s", str(script), url]
    with subprocess.Popen(command, stdout=subprocess.PIPE, text=True) as loading:
        eventually(lambda: replicas() > 2 or replicas(), "more replicas under load", PATIENCE)
        most = replicas()
        loading.send_signal(signal.SIGINT)
        said, _ = loading.communicate(timeout=60)
    log.info("2 to %d replicas: %s", most, said)
    assert "Non-2xx" not in said
    eventually(lambda: replicas() == 2 or replicas(), "back to the least", PATIENCE)
