from __future__ import annotations

from infra.automation import failures

TRACEBACK = """\
Exception calling application: Traceback (most recent call last):
  File "/x/lifecycle.py", line 1, in up
    raise PlatformError("x", "y")
infra.errors.PlatformError: Port 8080 of 127.0.0.1 is taken.
Free it, or choose another.

"""


def test_our_own_error_is_found_in_a_providers_traceback() -> None:
    error = failures.told([TRACEBACK, "update failed"], "")
    assert error.what == "Port 8080 of 127.0.0.1 is taken."
    assert error.remedy == "Free it, or choose another."


def test_a_plugin_that_cannot_be_downloaded_has_a_remedy() -> None:
    said = "could not find latest version for provider kubernetes: failed to download plugin: kubernetes-4.34.2"
    assert "pulumi plugin install" in failures.told([said], "").remedy


def test_anything_else_is_told_as_the_engine_told_it() -> None:
    error = failures.told(["Deployment git/git is not ready after 600 s: of 1 replicas: 0", "update failed"], "output")
    assert "is not ready after 600 s" in error.what
    assert "output" not in error.what
    assert "the last words" in failures.told([], "much output\nthe last words").what
