"""What is rendered is what upstream's schemas describe, in every state of a roll-out, and what is committed is that."""

from __future__ import annotations

import shutil
from pathlib import Path
from typing import Any

import pytest
import yaml

from slipway.release.record import Record
from slipway.rendering import render, served
from tests.conftest import MODEL, ROOT
from tests.manifests.schemas import Schemas
from tests.toy_platform import IMAGES, RELEASES

CHAMPION = {"release": RELEASES[0], "image": IMAGES[0]}
STATES: dict[str, dict[str, Any]] = {
    "a champion": {"champion": CHAMPION, "challenger": None},
    "a challenger at rest": {
        "champion": CHAMPION,
        "challenger": {"release": RELEASES[1], "image": IMAGES[1], "weight": 0},
    },
    "a challenger with a share": {
        "champion": CHAMPION,
        "challenger": {"release": RELEASES[1], "image": IMAGES[1], "weight": 25},
    },
}


def rendered(folder: Path, environment: str, record: dict[str, Any]) -> list[dict[str, Any]]:
    """All manifests of the model in an environment whose record is ``record``."""
    if not (folder / "gitops/envs").exists():
        shutil.copytree(ROOT / "gitops/envs", folder / "gitops/envs")
    shutil.copytree(ROOT / "gitops/keys", folder / "gitops/keys")
    Record.model_validate(record).write(folder / served.folder(environment, MODEL) / "release.yaml")
    files = render.render(served.read(environment, MODEL, folder)).values()
    return [manifest for content in files for manifest in yaml.safe_load_all(content)]


@pytest.mark.parametrize("environment", served.ENVIRONMENTS)
@pytest.mark.parametrize("state", STATES)
def test_manifests_keep_upstream_s_schemas(schemas: Schemas, tmp_path: Path, environment: str, state: str) -> None:
    manifests = rendered(tmp_path, environment, STATES[state])
    assert len(manifests) >= 5
    assert [fault for manifest in manifests for fault in schemas.faults(manifest)] == []


def test_a_shadow_keeps_them_too(schemas: Schemas, tmp_path: Path) -> None:
    file = tmp_path / served.folder("production", MODEL) / "canary.yaml"
    shutil.copytree(ROOT / "gitops/envs", tmp_path / "gitops/envs")
    shadow = {"percent": 25, "pairs": 100, "differing": 0.01, "tolerance": 1e-6, "limit_seconds": 600}
    file.write_text(yaml.safe_dump({**yaml.safe_load(file.read_text()), "shadow": shadow}))
    manifests = rendered(tmp_path, "production", STATES["a challenger at rest"])
    assert {it["kind"] for it in manifests} >= {"HTTPRoute", "Service"}
    assert [fault for manifest in manifests for fault in schemas.faults(manifest)] == []


@pytest.mark.parametrize(
    ("kind", "path", "value"),
    [
        ("SeldonDeployment", ("spec", "predictors", 0, "trafic"), 100),
        ("SeldonDeployment", ("spec", "predictors", 0, "componentSpecs", 0, "spec", "containers", 0, "lifecycle"),
         {"preStop": {"sleep": {"seconds": 5}}}),
        ("HTTPRoute", ("spec", "rules", 0, "backendRefs", 0, "wieght"), 1),
        ("HorizontalPodAutoscaler", ("spec", "behavior", "scaleUp", "policy"), []),
        ("NetworkPolicy", ("spec", "ingress", 0, "form"), []),
        ("BackendTrafficPolicy", ("spec", "retry", "numRetries"), "3"),
    ],
)  # fmt: skip
def test_the_schemas_bite(
    schemas: Schemas, tmp_path: Path, kind: str, path: tuple[str | int, ...], value: object
) -> None:
    manifests = rendered(tmp_path, "production", STATES["a champion"])
    manifest = next(it for it in manifests if it["kind"] == kind)
    block: Any = manifest
    for key in path[:-1]:
        block = block[key]
    block[path[-1]] = value
    assert len(schemas.faults(manifest)) == 1


def test_what_is_committed_is_what_is_rendered() -> None:
    differing = [file for each in render.every(ROOT) for file in render.differences(*each, ROOT)]
    assert differing == [], "run `slipway render`"
    assert render.strays(ROOT) == []


@pytest.mark.parametrize("environment", served.ENVIRONMENTS)
def test_argo_cd_may_apply_each_kind(tmp_path: Path, environment: str) -> None:
    projects = yaml.safe_load_all((ROOT / "gitops/argocd/projects.yaml").read_text())
    (project,) = (it for it in projects if it["kind"] == "AppProject" and it["metadata"]["name"] == environment)
    allowed = {(it["group"], it["kind"]) for it in project["spec"]["namespaceResourceWhitelist"]}
    used = set()
    for manifest in rendered(tmp_path, environment, STATES["a challenger with a share"]):
        group, _, _ = manifest["apiVersion"].rpartition("/")
        used.add((group, manifest["kind"]))
    assert used <= allowed
    # Of what is allowed, only some models have these: a key ring, a shadow, and autoscaling.
    assert allowed - used <= {("", "ConfigMap"), ("", "Service"), ("autoscaling", "HorizontalPodAutoscaler")}
