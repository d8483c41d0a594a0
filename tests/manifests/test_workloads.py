"""What addons and apps run: pinned, frugal, watched over and without privilege; and it is what the schemas say."""

from __future__ import annotations

import re
from collections.abc import Iterator

import yaml

from tests.manifests.building import ROOT, Manifest
from tests.manifests.schemas import Schemas

MEBIBYTES = {"Mi": 1, "Gi": 1024}
MOST_MEMORY = 4352
"""MiB that all addons and apps may take together; the platform has 5 GiB when idle, with the cluster itself."""


def _workloads(manifests: list[Manifest]) -> Iterator[tuple[str, Manifest]]:
    """Every specification of pods with the name of what it belongs to."""
    for one in manifests:
        if one["kind"] in {"Deployment", "StatefulSet", "DaemonSet", "Job"}:
            yield f"{one['kind']} {one['metadata']['name']}", one["spec"]["template"]["spec"]
        if one["kind"] == "EnvoyProxy":
            # Envoy Gateway makes the pods, and adds the probes and the service account itself.
            made = one["spec"]["provider"]["kubernetes"]["envoyDeployment"]["container"]
            yield "EnvoyProxy", {"containers": [{**made, "name": "envoy"}]}


def _containers(manifests: list[Manifest]) -> Iterator[tuple[str, Manifest, Manifest]]:
    for name, spec in _workloads(manifests):
        for container in [*spec.get("initContainers", []), *spec["containers"]]:
            yield f"{name}, {container['name']}", spec, container


def test_every_manifest_is_as_its_schema_says(
    schemas: Schemas, root: list[Manifest], delivered_manifests: list[Manifest]
) -> None:
    # The schema of CRDs describes schemas, and is not a JSON schema itself.
    checked = [one for one in [*root, *delivered_manifests] if one["kind"] != "CustomResourceDefinition"]
    assert [fault for one in checked for fault in schemas.faults(one)] == []


def test_a_wrong_manifest_is_seen(schemas: Schemas, delivered_manifests: list[Manifest]) -> None:
    service = {"apiVersion": "v1", "kind": "Service", "metadata": {"name": "x"}, "spec": {"port": [], "type": 1}}
    assert len(schemas.faults(service)) == 2
    gateway = {"apiVersion": "gateway.networking.k8s.io/v1", "kind": "Gateway", "metadata": {"name": "x"}}
    assert schemas.faults({**gateway, "spec": {"gatewayClassName": "x", "listener": []}})


def test_images_are_those_of_the_pins(delivered_manifests: list[Manifest]) -> None:
    pins = yaml.safe_load((ROOT / "versions.yaml").read_text())["images"]
    known = {pin["repository"]: pin.get("tag", "") for pin in pins.values()}
    for name, _, container in _containers(delivered_manifests):
        image = container["image"]
        if "@" in image:
            continue
        repository, _, tag = image.rpartition(":")
        assert repository in known, f"{name}: {image} is not in versions.yaml"
        assert tag == known[repository] or "{" in known[repository], f"{name}: {image} is not {known[repository]}"
        assert re.search(r"\d", tag), f"{name}: {image} is not pinned"


def test_versions_of_components_are_those_of_their_modules(delivered_manifests: list[Manifest]) -> None:
    """versions.yaml takes the tag of what is built from a Go module from go.mod; so must the manifests."""
    pins = yaml.safe_load((ROOT / "versions.yaml").read_text())["images"]
    components = yaml.safe_load((ROOT / "infra/upstream/components.yaml").read_text())
    images = {
        container["image"].rpartition(":")[0]: container["image"]
        for _, _, container in _containers(delivered_manifests)
    }
    checked = set()
    for name, pin in pins.items():
        if pin["repository"] not in images or "component" not in pin:
            continue
        component = components[pin["component"]]
        required = re.search(
            rf"{re.escape(component['module'])} (v\S+)",
            (ROOT / "infra/upstream" / pin["component"] / "go.mod").read_text(),
        )
        assert required, pin["component"]
        version = component.get("release", required[1])
        assert images[pin["repository"]] == f"{pin['repository']}:{pin['tag'].format(version=version)}"
        checked.add(name)
    assert checked == {"metrics-server", "envoy-gateway", "prometheus"}


def test_containers_have_resources_and_give_up_privilege(delivered_manifests: list[Manifest]) -> None:
    found = list(_containers(delivered_manifests))
    assert len(found) >= 9
    for name, spec, container in found:
        resources = container["resources"]
        assert {"cpu", "memory"} <= set(resources["requests"]), name
        assert "memory" in resources["limits"], name
        own, pods = container["securityContext"], spec.get("securityContext", {})
        assert own["allowPrivilegeEscalation"] is False, name
        assert own["capabilities"] == {"drop": ["ALL"]}, name
        assert own.get("runAsNonRoot", pods.get("runAsNonRoot")) is True, name
        assert own.get("runAsUser", pods.get("runAsUser")), name
        assert own.get("seccompProfile", pods.get("seccompProfile")) == {"type": "RuntimeDefault"}, name
        assert not spec.get("hostNetwork"), name


def test_all_together_are_frugal(delivered_manifests: list[Manifest]) -> None:
    def mebibytes(quantity: str) -> int:
        return int(quantity[:-2]) * MEBIBYTES[quantity[-2:]]

    limits = [mebibytes(c["resources"]["limits"]["memory"]) for _, _, c in _containers(delivered_manifests)]
    assert sum(limits) <= MOST_MEMORY, limits


def test_what_serves_is_probed(delivered_manifests: list[Manifest]) -> None:
    for name, _, container in _containers(delivered_manifests):
        if name.startswith(("Job", "EnvoyProxy")):
            continue
        assert "readinessProbe" in container, name
        assert "livenessProbe" in container, name


def test_only_what_asks_the_api_server_has_a_token(delivered: dict[str, list[Manifest]]) -> None:
    for addon in ("nats", "mlflow"):
        for name, spec in _workloads(delivered[addon]):
            assert spec["automountServiceAccountToken"] is False, name


def test_node_ports_are_those_of_people(delivered_manifests: list[Manifest]) -> None:
    ports = [
        port.get("nodePort") for one in delivered_manifests if one["kind"] == "Service" for port in one["spec"]["ports"]
    ]
    proxy = next(one for one in delivered_manifests if one["kind"] == "EnvoyProxy")
    patch = proxy["spec"]["provider"]["kubernetes"]["envoyService"]["patch"]["value"]
    found = {port for port in ports if port} | {port["nodePort"] for port in patch["spec"]["ports"]}
    assert found == {30080, 30083, 30084, 30085}


def test_no_secret_is_in_git(delivered_manifests: list[Manifest], root: list[Manifest]) -> None:
    assert not [one["metadata"]["name"] for one in [*root, *delivered_manifests] if one["kind"] == "Secret"]
