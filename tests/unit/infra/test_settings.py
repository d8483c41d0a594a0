from __future__ import annotations

import ast
import inspect
from pathlib import Path

import pytest
import yaml

from infra import settings
from infra.errors import UsageError
from infra.paths import PROGRAM


def test_each_setting_is_documented_beside_it() -> None:
    tree = ast.parse(inspect.getsource(settings))
    classes = [node for node in tree.body if isinstance(node, ast.ClassDef)]
    undocumented = [
        f"{node.name}.{field.target.id}"
        for node in classes
        for field, after in zip(node.body, [*node.body[1:], None], strict=True)
        if isinstance(field, ast.AnnAssign) and isinstance(field.target, ast.Name) and node.name != "StackSettings"
        if not (isinstance(after, ast.Expr) and isinstance(after.value, ast.Constant))
    ]
    assert len(classes) > 5
    assert undocumented == []


@pytest.mark.parametrize("path", sorted(PROGRAM.glob("Pulumi.*.yaml")), ids=lambda path: path.name)
def test_the_files_in_the_repository_are_valid(path: Path) -> None:
    settings.load(yaml.safe_load(path.read_text())["config"], path.name)


def test_pulumi_hands_sections_over_as_json() -> None:
    loaded = settings.load({"slipway:ports": '{"git": 9082}', "aws:region": "eu-central-1"}, "here")
    assert (loaded.ports.git, loaded.ports.argocd, loaded.provider) == (9082, 8081, "auto")


@pytest.mark.parametrize(
    ("config", "told"),
    [
        ({"slipway:provder": "kind"}, "slipway:provder: no such setting"),
        ({"slipway:provider": "minikube"}, "slipway:provider: Input should be 'auto', 'kind'"),
        ({"slipway:ports": {"git": 80}}, "slipway:ports.git: Input should be greater than or equal to 1024 (it is 80)"),
        ({"slipway:ports": {"git": 8080}}, "slipway:ports: git and gateway are both 8080"),
        ({"slipway:ports": "8080"}, "slipway:ports: Input should be a valid dictionary"),
        ({"slipway:gitops": {"reconciliation": "fast"}}, "slipway:gitops.reconciliation: String should match"),
        ({"slipway:eks": {"nodes": 7}}, "slipway:eks: nodes is 7 and max_nodes 4"),
    ],
)
def test_a_bad_setting_is_named_with_its_rule(config: dict[str, object], told: str) -> None:
    with pytest.raises(UsageError) as caught:
        settings.load(config, "Pulumi.test.yaml")
    assert told in str(caught.value)
    assert "Pulumi.test.yaml" in caught.value.what
    assert caught.value.exit_code == 2


def test_all_bad_settings_are_told_at_once() -> None:
    with pytest.raises(UsageError) as caught:
        settings.load({"slipway:ports": {"git": 1, "argocd": 2}, "slipway:x": "y"}, "here")
    assert caught.value.what.count("\n  slipway:") == 3
