"""pip-audit's own run: a person's settings do not reach it, and it does not run for ever."""

from __future__ import annotations

import time

import pytest

from slipway.supply_chain import pip_audit
from slipway.supply_chain.osv import SourceSilent
from slipway.supply_chain.sbom import Pin
from tests.osv_server import Handler, OsvServer, record

PINS = [Pin("alpha", "1.0", "a" * 64), Pin("beta", "2.0", "b" * 64)]


def test_advisories_with_all_their_names_and_their_fixed_versions() -> None:
    known = [record("alpha", "PYSEC-2026-1", ["CVE-2026-1", "GHSA-a"], "1.1"), record("beta", "PYSEC-2026-2", [], "1")]
    with OsvServer(known) as source:
        (found,) = pip_audit.audit(source.url, PINS)
    assert (found.package, found.version, found.fixed) == ("alpha", "1.0", ("1.1",))
    assert {found.id, *found.aliases} == {"PYSEC-2026-1", "CVE-2026-1", "GHSA-a"}


def test_a_person_s_settings_do_not_reach_it(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv("PIP_AUDIT_OUTPUT", "/dev/null")
    monkeypatch.setenv("PIP_AUDIT_FORMAT", "columns")
    monkeypatch.setenv("PIP_AUDIT_VULNERABILITY_SERVICE", "pypi")
    with OsvServer([record("alpha", "PYSEC-2026-1")]) as source:
        assert [found.id for found in pip_audit.audit(source.url, PINS)] == ["PYSEC-2026-1"]


def _slow(_: Handler) -> bool:
    time.sleep(3)
    return False


def test_it_does_not_run_for_ever() -> None:
    with (
        OsvServer(faults={"/v1/query": _slow}) as source,
        pytest.raises(SourceSilent, match="no whole answer within 1 seconds"),
    ):
        pip_audit.audit(source.url, PINS, seconds=1)
