"""As whom the canary loop pushes, and what is said when nobody has told."""

from __future__ import annotations

from pathlib import Path

import pytest

from infra.bootstrap.account import account, line
from infra.errors import UsageError
from infra.settings import GitOps

URL = "https://forge.example:8443/you/slipway.git"
TOKEN = "to%3Aken"


def given(tmp_path: Path, content: str) -> GitOps:
    file = tmp_path / "credentials"
    file.write_text(content)
    return GitOps(repository=URL, credentials=str(file))


def test_the_platform_s_own_server_needs_nothing() -> None:
    found = account(GitOps(), "generated")
    assert (found.url, found.user, found.password) == (
        "http://git.slipway-git.svc.cluster.local/platform.git",
        "slipway",
        "generated",
    )


def test_the_line_of_the_host_is_found_among_others(tmp_path: Path) -> None:
    lines = [
        "https://a:b@other.example:8443",
        "http://a:b@forge.example:8443",
        "https://a@forge.example:8443",
        f"https://robot:{TOKEN}@forge.example:8443",
    ]
    found = account(given(tmp_path, "\n".join(lines)), "generated")
    assert (found.url, found.user, found.password) == (URL, "robot", "to:ken")
    assert line(found.url, found.user, str(found.password)) == f"https://robot:{TOKEN}@forge.example:8443\n"


@pytest.mark.parametrize(
    ("gitops", "said"),
    [
        (GitOps(repository=URL), "where the canary loop has no account to push with"),
        (GitOps(repository=URL, credentials="/nowhere/at all"), "which cannot be read"),
        (GitOps(repository="git@forge.example:you/slipway.git"), "The canary loop pushes over HTTP"),
    ],
)
def test_what_is_missing_is_said_by_name(gitops: GitOps, said: str) -> None:
    with pytest.raises(UsageError, match=said) as caught:
        account(gitops, "generated")
    assert "slipway:gitops." in caught.value.what
    assert "https://" in caught.value.remedy


@pytest.mark.parametrize("content", ["", "https://a:b@forge.example\n", "https://:@forge.example:8443\n", "nonsense\n"])
def test_a_file_without_an_account_for_the_host_is_refused_without_its_secrets(tmp_path: Path, content: str) -> None:
    with pytest.raises(UsageError, match=r"has no line https://USER:<TOKEN>@forge\.example:8443") as caught:
        account(given(tmp_path, content), "generated")
    assert "a:b" not in str(caught.value)
