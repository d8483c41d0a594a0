"""Where the platform is stands in one record."""

from __future__ import annotations

from pathlib import Path

import pytest

from slipway.errors import EnvironmentFault
from slipway.promotion import platform
from tests.toy_platform import platform_record


def test_the_default_is_the_record_of_stack_local(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv("XDG_STATE_HOME", str(tmp_path))
    file = tmp_path / "slipway" / "local" / "platform.json"
    with pytest.raises(EnvironmentFault, match="There is no platform"):
        platform.read(None)
    file.parent.mkdir(parents=True)
    platform_record(file, "http://127.0.0.1:1")
    assert platform.read(None) == platform.read(file)
    assert platform.read(None).push_url == "http://127.0.0.1:1"


@pytest.mark.parametrize("content", ["[]", "{}", '{"registry": {"prefix": "x"}}', '{"registry": 1}', "{"])
def test_a_record_that_does_not_say(tmp_path: Path, content: str) -> None:
    file = tmp_path / "platform.json"
    file.write_text(content)
    with pytest.raises(EnvironmentFault, match=r"platform\.json"):
        platform.read(file)
