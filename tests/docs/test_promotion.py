"""The guide to promotion, walked from its first command to its last in a monorepo of its own."""

from __future__ import annotations

import os
import shutil
import subprocess
from pathlib import Path

from tests import toy_platform
from tests.conftest import MODEL, ROOT
from tests.docs import commands
from tests.registry_server import RegistryServer, installed

pytestmark = installed


def test_the_guide_leads_to_production(tmp_path: Path, release_folder: Path) -> None:
    toy = toy_platform.make(tmp_path)
    shutil.copytree(release_folder, toy.top / "releases" / MODEL / release_folder.name)
    with RegistryServer(tmp_path / "registry") as server:
        server.push_server_image()
        record = toy_platform.platform_record(tmp_path / "platform.json", server.url)
        environment = os.environ | {"PYTHONPATH": str(ROOT / "platform-lib/src"), "SLIPWAY_PLATFORM": str(record)}
        for command in commands.commands(commands.WALKED):
            done = subprocess.run(
                ["bash", "-c", command], cwd=toy.top, env=environment, capture_output=True, text=True, check=False
            )
            assert done.returncode == 0, f"{command}\n{done.stdout}{done.stderr}"
    assert f"`{release_folder.name}`" in (toy.top / "request.md").read_text()
    for name in ("staging", "production"):
        assert f"release: {release_folder.name}" in toy.record(name)
