"""settings.yaml is typed: what Kubernetes would refuse later, or never notice, is refused by name."""

from __future__ import annotations

from pathlib import Path
from typing import Any

import pytest
import yaml

from slipway.errors import UsageError
from slipway.rendering.served import ENVIRONMENTS, folder
from slipway.rendering.settings import Settings
from tests.conftest import MODEL, ROOT

GOOD = ROOT / folder("production", MODEL) / "settings.yaml"


@pytest.mark.parametrize("environment", ENVIRONMENTS)
def test_ours_are_valid(environment: str) -> None:
    found = Settings.read(ROOT / folder(environment, MODEL) / "settings.yaml")
    assert found.hostname == f"flight-delay.{environment}.localhost"


WRONG: dict[str, Any] = {
    "hostname": "Flight_Delay.localhost",
    "registry": "https://registry.slipway.internal",
    "replicas": 0,
    "replicas ": 1,
    "autoscaling": {"max_replicas": 2, "cpu_percent": 70, "scale_down_seconds": 60},
    "autoscaling.cpu_percent": 0,
    "autoscaling.max_replicas": "4",
    "resources.requests.cpu": "0.1",
    "resources.requests.memory": "192MB",
    "resources.limits.memory": "64Mi",
    "resources.limits": {"cpu": "1"},
    "request_log.secret": "Not_A_Name",
    "request_log.port": 0,
    "request_log.url": "nats://" + "user:password@nats:4222",
    "request_log.password": "hunter2",
    "alerts.errors": 0,
    "alerts.p99_seconds": "0.1",
    "alerts": None,
}


@pytest.mark.parametrize("key", WRONG)
def test_what_is_wrong_is_refused(tmp_path: Path, key: str) -> None:
    content = yaml.safe_load(GOOD.read_text())
    *above, last = key.split(".")
    block = content
    for name in above:
        block = block[name]
    block[last] = WRONG[key]
    file = tmp_path / "settings.yaml"
    file.write_text(yaml.safe_dump(content))
    with pytest.raises(UsageError) as caught:
        Settings.read(file)
    assert last in caught.value.what


def test_requests_may_equal_limits_in_another_unit(tmp_path: Path) -> None:
    content = yaml.safe_load(GOOD.read_text())
    content["resources"] = {
        "requests": {"cpu": "1000m", "memory": "1024Mi"},
        "limits": {"cpu": "1", "memory": "1Gi"},
    }
    file = tmp_path / "settings.yaml"
    file.write_text(yaml.safe_dump(content))
    Settings.read(file)
