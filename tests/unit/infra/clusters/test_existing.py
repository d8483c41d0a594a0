from __future__ import annotations

import json
from pathlib import Path

import pytest
import yaml

from infra.clusters import existing
from infra.errors import PlatformError
from infra.settings import Existing, StackSettings

KUBECONFIG = {
    "apiVersion": "v1",
    "kind": "Config",
    "current-context": "one",
    "contexts": [
        {"name": "one", "context": {"cluster": "a", "user": "u"}},
        {"name": "two", "context": {"cluster": "b", "user": "u"}},
    ],
    "clusters": [
        {"name": "a", "cluster": {"server": "https://127.0.0.1:1"}},
        {"name": "b", "cluster": {"server": "https://node.example:6443"}},
    ],
    "users": [{"name": "u", "user": {}}],
}


@pytest.fixture
def kubeconfig(tmp_path: Path) -> str:
    path = tmp_path / "kubeconfig"
    path.write_text(yaml.safe_dump(KUBECONFIG))
    return str(path)


def test_the_context_that_is_named_becomes_the_current_one(kubeconfig: str) -> None:
    text = existing.kubeconfig_of(Existing(kubeconfig=kubeconfig, context="two"))
    assert existing.server_of(text) == "https://node.example:6443"


def test_a_context_that_is_not_there_is_told_with_those_that_are(kubeconfig: str) -> None:
    with pytest.raises(PlatformError, match="has no context 'three'; it has one, two"):
        existing.kubeconfig_of(Existing(kubeconfig=kubeconfig, context="three"))


@pytest.mark.parametrize("content", ["", "just text", "a: b", "{unclosed"])
def test_what_is_not_a_kubeconfig_is_refused(tmp_path: Path, content: str) -> None:
    path = tmp_path / "wrong"
    path.write_text(content)
    with pytest.raises(PlatformError, match="is not a kubeconfig"):
        existing.kubeconfig_of(Existing(kubeconfig=str(path)))


def test_a_kubeconfig_that_is_missing_is_named(tmp_path: Path) -> None:
    with pytest.raises(PlatformError, match="nowhere cannot be read: No such file"):
        existing.kubeconfig_of(Existing(kubeconfig=str(tmp_path / "nowhere")))


def test_a_cluster_that_does_not_answer_is_told_before_anything_is_changed(kubeconfig: str) -> None:
    settings = StackSettings(existing=Existing(kubeconfig=kubeconfig, registry="r.example/x"))
    with pytest.raises(PlatformError, match=r"API server https://127\.0\.0\.1:1 .* does not answer") as caught:
        existing.PROVIDER.check("test", settings)
    assert "Nothing has been changed" in caught.value.remedy


def test_the_outputs_of_a_terraform_state(tmp_path: Path) -> None:
    state = tmp_path / "terraform.tfstate"
    outputs = {
        "kubeconfig": {"value": yaml.safe_dump(KUBECONFIG), "type": "string", "sensitive": True},
        "registry": {"value": "https://r.example/team/", "type": "string"},
    }
    state.write_text(json.dumps({"version": 4, "outputs": outputs, "resources": []}))
    settings = Existing(outputs=str(state))
    assert existing.registry_of(settings) == "r.example/team"
    assert existing.server_of(existing.kubeconfig_of(settings)) == "https://127.0.0.1:1"


def test_what_tofu_output_json_prints_is_as_good(tmp_path: Path) -> None:
    state = tmp_path / "outputs.json"
    state.write_text(json.dumps({"registry": {"sensitive": False, "type": "string", "value": "r.example"}}))
    assert existing.outputs_of(state) == {"registry": "r.example"}
    with pytest.raises(PlatformError, match="has no output `kubeconfig`; it has registry"):
        existing.kubeconfig_of(Existing(outputs=str(state)))


def test_a_state_that_is_not_json(tmp_path: Path) -> None:
    state = tmp_path / "state"
    state.write_text("resource {}")
    with pytest.raises(PlatformError, match="is not JSON"):
        existing.outputs_of(state)


def test_a_registry_is_needed() -> None:
    with pytest.raises(PlatformError, match="names no registry"):
        existing.registry_of(Existing())


def test_it_is_not_ours_to_stop() -> None:
    for operation in (existing.PROVIDER.stop, existing.PROVIDER.start):
        with pytest.raises(PlatformError, match="the platform: it did not make it"):
            operation("test")
    assert existing.PROVIDER.status("test").state == "unknown"
