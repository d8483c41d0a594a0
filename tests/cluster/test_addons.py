"""What Argo CD installs beside the models does its work, in a platform that is up."""

from __future__ import annotations

import asyncio
import contextlib
import json
import socket
import subprocess
import time
import urllib.error
import urllib.parse
import urllib.request
from collections.abc import Iterator
from pathlib import Path
from typing import Any

import pytest

from slipway.request_log.connection import ensure_stream
from slipway.request_log.settings import STREAM, SUBJECTS, Settings
from tests.cluster.model_objects import Manifest, container, seldon_deployment
from tests.cluster.platform import Platform, eventually

# Requests to 127.0.0.1 go to no proxy.
OPENER = urllib.request.build_opener(urllib.request.ProxyHandler({}))
OPERATOR = "system:serviceaccount:seldon-system:seldon-manager"


def _get(url: str, host: str | None = None) -> tuple[int, bytes]:
    """Status and body; 0 while nothing answers."""
    request = urllib.request.Request(url, headers={"Host": host} if host else {})
    try:
        with OPENER.open(request, timeout=10) as answer:
            return answer.status, answer.read()
    except urllib.error.HTTPError as error:
        return error.code, error.read()
    except OSError:
        return 0, b""


def _file_server(platform: Platform) -> Manifest:
    """A container with an image that every platform has, which answers /etc/hostname with its pod's name."""
    image = platform.objects("-n", "mlflow", "deployment", "mlflow")["spec"]["template"]["spec"]["containers"][0][
        "image"
    ]
    return container(
        image,
        command=["python", "-m", "http.server", "9000", "--directory", "/etc"],
        ports=[{"name": "http", "containerPort": 9000}],
        readinessProbe={"httpGet": {"path": "/hostname", "port": 9000}, "periodSeconds": 1},
        livenessProbe={"httpGet": {"path": "/hostname", "port": 9000}},
        lifecycle={"preStop": {"exec": {"command": ["sleep", "1"]}}},
    )


def _route(namespace: str, host: str) -> Manifest:
    return {
        "apiVersion": "gateway.networking.k8s.io/v1",
        "kind": "HTTPRoute",
        "metadata": {"name": "it", "namespace": namespace},
        "spec": {
            "parentRefs": [{"name": "slipway", "namespace": "gateway"}],
            "hostnames": [host],
            "rules": [{"backendRefs": [{"name": "it-one", "port": 9000}]}],
        },
    }


def _apply(platform: Platform, namespace: str, *manifests: Manifest) -> None:
    platform.kubectl("-n", namespace, "apply", "-f-", stdin="\n---\n".join(map(json.dumps, manifests)))


def test_a_seldon_deployment_is_served_through_the_gateway_and_scaled(platform: Platform, model_namespace: str) -> None:
    host = f"it.{model_namespace}.localhost"
    _apply(platform, model_namespace, seldon_deployment(_file_server(platform)), _route(model_namespace, host))

    def state() -> object:
        found = platform.objects("-n", model_namespace, "seldondeployment", "it")
        return found.get("status", {}).get("state") == "Available" or found.get("status")

    eventually(state, "the SeldonDeployment is Available", 120)
    url = platform.record["urls"]["gateway"] + "/hostname"
    eventually(lambda: _get(url, host)[0] == 200 or _get(url, host), "the gateway answers", 60)
    assert _get(url, host)[1].startswith(b"it-one-0-model-")
    assert _get(url, f"other.{model_namespace}.localhost")[0] == 404

    platform.kubectl("-n", model_namespace, "autoscale", "deployment", "it-one-0-model", "--cpu=50%", "--max=2")

    def measured() -> object:
        status = platform.objects("-n", model_namespace, "hpa", "it-one-0-model").get("status", {})
        current = (status.get("currentMetrics") or [{}])[0].get("resource", {}).get("current", {})
        return "averageUtilization" in current or status.get("conditions")

    eventually(measured, "the autoscaler sees the pods' processors", 120)


def test_a_namespace_without_the_label_has_no_route_in(platform: Platform, model_namespace: str) -> None:
    platform.kubectl("label", "namespace", model_namespace, "slipway.dev/models-")
    _apply(platform, model_namespace, _route(model_namespace, f"it.{model_namespace}.localhost"))

    def refused() -> object:
        parents = platform.objects("-n", model_namespace, "httproute", "it").get("status", {}).get("parents", [])
        conditions = [c for parent in parents for c in parent["conditions"] if c["type"] == "Accepted"]
        return any(c["status"] == "False" and c["reason"] == "NotAllowedByListeners" for c in conditions) or parents

    eventually(refused, "the Gateway refuses the route", 60)


def test_the_webhook_refuses_a_graph_without_its_container(platform: Platform, model_namespace: str) -> None:
    broken = seldon_deployment(container())
    broken["spec"]["predictors"][0]["graph"]["name"] = "another"
    with pytest.raises(AssertionError, match="Can't find container for Predictive Unit"):
        _apply(platform, model_namespace, broken)


def test_the_operator_writes_where_models_are_and_nowhere_else(platform: Platform, model_namespace: str) -> None:
    def may(verb: str, group: str, resource: str, namespace: str | None) -> bool:
        attributes = {"verb": verb, "group": group, "resource": resource, "namespace": namespace or ""}
        review = {
            "apiVersion": "authorization.k8s.io/v1",
            "kind": "SubjectAccessReview",
            "spec": {"user": OPERATOR, "resourceAttributes": attributes},
        }
        answer = json.loads(platform.kubectl("create", "-o", "json", "-f-", stdin=json.dumps(review)))
        return bool(answer["status"]["allowed"])

    for namespace in (model_namespace, "staging", "production"):
        assert may("create", "apps", "deployments", namespace)
    for namespace in ("kube-system", "argocd", "mlflow", "default"):
        assert not may("create", "apps", "deployments", namespace)
    for namespace in (None, model_namespace, "mlflow"):
        assert not may("get", "", "secrets", namespace)


@contextlib.contextmanager
def _forwarded(platform: Platform, namespace: str, target: str, port: int) -> Iterator[int]:
    """A free port of 127.0.0.1 that leads to a port of a pod, for people would not have it."""
    command = [platform.kubectl_program, f"--kubeconfig={platform.record['kubeconfig']}", "-n", namespace]
    process = subprocess.Popen(
        [*command, "port-forward", target, f":{port}"], stdout=subprocess.PIPE, stderr=subprocess.STDOUT, text=True
    )
    try:
        assert process.stdout is not None
        said = process.stdout.readline()
        assert said.startswith("Forwarding from 127.0.0.1:"), said
        local = int(said.split()[2].rpartition(":")[2])
        with socket.create_connection(("127.0.0.1", local), timeout=10):
            yield local
    finally:
        process.kill()
        process.communicate()


def _secret(platform: Platform, namespace: str, name: str, key: str) -> str:
    template = f"go-template={{{{index .data {json.dumps(key)} | base64decode}}}}"
    return platform.kubectl("-n", namespace, "get", "secret", name, "-o", template)


async def _published(url: str, user: str) -> dict[str, Any]:
    """What a user may do with the stream."""
    from nats.aio.client import Client

    refused: list[str] = []

    async def note(error: Exception) -> None:
        refused.append(str(error).lower())

    client = Client()
    await client.connect([url], allow_reconnect=False, error_cb=note, name=user)
    stream = client.jetstream(timeout=10)
    try:
        await ensure_stream(stream, Settings())
        told: dict[str, Any] = {}
        with contextlib.suppress(Exception):
            told["seq"] = (await stream.publish(f"{SUBJECTS}.test", b"[]", timeout=3)).seq
        for name, forbidden in {
            "delete": stream.delete_stream(STREAM),
            "elsewhere": stream.publish("elsewhere", b"x", timeout=2),
        }.items():
            with contextlib.suppress(Exception):
                await asyncio.wait_for(forbidden, 3)
                told[name] = True
        return {**told, "refused": refused}
    finally:
        await client.close()


def test_the_request_log_is_kept_over_a_restart_and_each_user_does_its_part_alone(platform: Platform) -> None:
    def of(user: str) -> dict[str, Any]:
        with _forwarded(platform, "nats", "statefulset/nats", 4222) as port:
            password = _secret(platform, "nats", "nats-users", user)
            return asyncio.run(_published(f"nats://{user}:{password}@127.0.0.1:{port}", user))

    before = of("server")
    assert not {"delete", "elsewhere"} & set(before)
    assert any("stream.delete" in text for text in before["refused"])
    assert any('"elsewhere"' in text for text in before["refused"])

    platform.kubectl("-n", "nats", "delete", "pod", "nats-0")
    platform.kubectl("-n", "nats", "rollout", "status", "statefulset/nats", "--timeout=120s")
    assert of("server")["seq"] > before["seq"]

    collector = of("collector")
    assert not {"seq", "delete", "elsewhere"} & set(collector)


@pytest.mark.parametrize("namespace", ["staging", "production"])
def test_servers_have_the_address_of_the_request_log(platform: Platform, namespace: str) -> None:
    password = _secret(platform, "nats", "nats-users", "server")
    url = _secret(platform, namespace, "request-log", "url")
    assert url == f"nats://server:{password}@nats.nats.svc.cluster.local:4222"


def _prometheus(platform: Platform, path: str, **query: str) -> Any:
    status, body = _get(f"{platform.record['urls']['prometheus']}/api/v1/{path}?{urllib.parse.urlencode(query)}")
    assert status == 200, body
    return json.loads(body)["data"]


def test_prometheus_scrapes_the_platform_and_has_its_rules(platform: Platform) -> None:
    def up() -> object:
        results = _prometheus(platform, "query", query="up == 1")["result"]
        seen = {(r["metric"]["job"], r["metric"].get("namespace", "")) for r in results}
        wanted = {("prometheus", ""), ("alertmanager", "")}
        wanted |= {("platform", "envoy-gateway-system"), ("platform", "seldon-system")}
        return wanted <= seen or seen

    eventually(up, "everything is scraped", 60)
    assert _prometheus(platform, "query", query="envoy_server_live")["result"]
    groups = {group["name"]: group["rules"] for group in _prometheus(platform, "rules")["groups"]}
    assert {"models", "platform"} <= set(groups)
    assert all(rule["health"] != "err" for rules in groups.values() for rule in rules)
    active = _prometheus(platform, "alertmanagers")["activeAlertmanagers"]
    assert [urllib.parse.urlsplit(one["url"]).hostname for one in active] == ["alertmanager"]
    assert _get(platform.record["urls"]["alertmanager"] + "/-/ready")[0] == 200


def test_a_run_of_mlflow_is_kept_over_a_restart(platform: Platform, tmp_path: Path) -> None:
    from mlflow import MlflowClient

    client = MlflowClient(platform.record["urls"]["mlflow"])
    experiment = client.create_experiment(f"platform-test-{time.time_ns()}")
    run = client.create_run(experiment).info.run_id
    (tmp_path / "note").write_text("kept")
    client.log_param(run, "trees", 100)
    client.log_metric(run, "auc", 0.75)
    client.log_artifact(run, str(tmp_path / "note"))

    platform.kubectl("-n", "mlflow", "delete", "pod", "--all")
    for what in ("statefulset/mlflow-postgres", "deployment/mlflow"):
        platform.kubectl("-n", "mlflow", "rollout", "status", what, "--timeout=240s")
    health = platform.record["urls"]["mlflow"] + "/health"
    eventually(lambda: _get(health)[0] == 200 or _get(health), "MLflow answers", 60)

    kept = client.get_run(run)
    assert kept.data.params == {"trees": "100"}
    assert kept.data.metrics == {"auc": 0.75}
    assert Path(client.download_artifacts(run, "note", str(tmp_path))).read_text() == "kept"
    client.delete_experiment(experiment)


def test_mlflow_refuses_a_name_that_is_not_its_own(platform: Platform) -> None:
    """Or a web page could have a browser read it, by a name that it points to this address."""
    url = platform.record["urls"]["mlflow"] + "/api/2.0/mlflow/experiments/search?max_results=1"
    assert _get(url)[0] == 200
    assert _get(url, "rebound.example.com")[0] == 403


@pytest.mark.parametrize(
    "namespace", ["gateway", "envoy-gateway-system", "seldon-system", "nats", "monitoring", "mlflow"]
)
def test_what_runs_beside_models_is_restricted_too(platform: Platform, namespace: str) -> None:
    with pytest.raises(AssertionError, match="violates PodSecurity"):
        platform.kubectl("-n", namespace, "run", "it", "--image=x", "--privileged", "--dry-run=server")
