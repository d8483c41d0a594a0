from __future__ import annotations

import json
import stat
from pathlib import Path

import pytest

from infra.automation import record
from infra.errors import PlatformError
from infra.paths import state_folder

OUTPUTS = {
    "kubeconfig": "apiVersion: v1\n",
    "registry": {"prefix": "registry.slipway.internal", "push_url": "http://172.31.1.2:5000"},
    "git": {"url": "u", "upstream_url": "v", "user": "slipway", "password": "s3cret"},
    "canary": {"public_key": "ssh-ed25519 AAAA canary@slipway.internal"},
    "urls": {"gateway": "http://127.0.0.1:8080"},
}


def test_what_other_programs_read(home: Path) -> None:
    state_folder("test").mkdir(parents=True)
    written = record.write("test", OUTPUTS)
    assert record.read("test") == written
    assert set(written) == {"stack", "kubeconfig", "registry", "git", "canary", "urls"}
    assert written["canary"] == OUTPUTS["canary"]
    assert Path(written["kubeconfig"]).read_text() == OUTPUTS["kubeconfig"]
    assert "s3cret" not in json.dumps(written)
    modes = {stat.S_IMODE(path.stat().st_mode) for path in state_folder("test").iterdir()}
    assert modes == {0o600}


def test_a_platform_that_is_not_up_is_told() -> None:
    with pytest.raises(PlatformError, match="The platform 'test' is not up"):
        record.read("test")
