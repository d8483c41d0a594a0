"""Gate ``provenance``: one byte changed anywhere, in the release or in what is said of it, is red."""

from __future__ import annotations

import base64
import json
from collections.abc import Callable
from dataclasses import replace
from datetime import UTC, datetime, timedelta
from pathlib import Path

import pytest

from slipway.attestation.examine import Examination, Trusted, examine
from slipway.configuration import Gates
from slipway.gates import provenance
from slipway.gates.provenance import Findings, Witness
from tests import attested
from tests.attested import Signed, working_tree

__all__ = ["working_tree"]

Fault = Callable[[Signed], object]
DIGESTS = {"leakage": "1" * 64, "slices": "2" * 64}
NOW = datetime(2026, 11, 24, 12, tzinfo=UTC)
WHOLE = Findings(
    release="5" * 64,
    witnesses=[Witness(name, "5" * 64) for name in ("manifest", "signature", "statement", "source commit")],
    signed=DIGESTS,
    held=DIGESTS,
    signed_on=NOW - timedelta(days=1),
    now=NOW,
)


@pytest.fixture(scope="module")
def real(release_folder: Path, working_tree: dict[str, str], tmp_path_factory: pytest.TempPathFactory) -> Signed:
    """The real release, signed; do not touch it."""
    top = tmp_path_factory.mktemp("signed")
    with pytest.MonkeyPatch.context() as patch:
        for name, value in working_tree.items():
            patch.setenv(name, value)
        patch.setenv("XDG_CONFIG_HOME", str(top))
        private, target = top / "key.pem", top / f"{release_folder.name}.sig"
        attested.signing.new_keys(private)
        attested.attest(release_folder, private, target, datetime.now(UTC))
    return Signed(release_folder, target, private)


@pytest.fixture
def copy(real: Signed, working_tree: dict[str, str], tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Signed:
    """A copy to break."""
    for name, value in working_tree.items():
        monkeypatch.setenv(name, value)
    return real.copy(tmp_path / "copy")


def _examined(signed: Signed) -> Examination:
    return examine(signed.release, Trusted(signed.public, signed.signature))


def test_real_release_passes(copy: Signed) -> None:
    found = _examined(copy)
    assert found.verdict is not None
    assert found.verdict.passed, found.verdict.reason
    assert set(found.verdict.figures["named_by"].values()) == {copy.release.name}
    assert "source commit" in found.verdict.figures["named_by"]


def _flip(file: Path) -> None:
    content = bytearray(file.read_bytes())
    content[len(content) // 2] ^= 1
    file.write_bytes(content)


def _payload(file: Path, change: Callable[[bytes], bytes]) -> None:
    envelope = json.loads(file.read_bytes())
    envelope["payload"] = base64.b64encode(change(base64.b64decode(envelope["payload"]))).decode()
    file.write_text(json.dumps(envelope))


def _red_made_green(signed: Signed) -> None:
    _payload(signed.statement, lambda said: said.replace(b'"passed": true', b'"passed": null', 1))


FAULTS: dict[str, Fault] = {
    "one byte of the model": lambda it: _flip(it.release / "model.txt"),
    "one byte of the evidence": lambda it: _flip(it.release / "evidence.json"),
    "one byte of the manifest": lambda it: _flip(it.release / "manifest.json"),
    "a file removed": lambda it: (it.release / "state.json").unlink(),
    "a file added": lambda it: (it.release / "more.py").write_text(""),
    "no signature": lambda it: it.signature.unlink(),
    "one byte of the signature": lambda it: _flip(it.signature),
    "no statement": lambda it: it.statement.unlink(),
    "one byte of the statement": lambda it: _flip(it.statement),
    "a verdict in the statement": _red_made_green,
}


@pytest.mark.parametrize("fault", FAULTS)
def test_fault_one_byte_changed_anywhere(copy: Signed, fault: str) -> None:
    FAULTS[fault](copy)
    found = _examined(copy)
    assert found.verdict is not None
    assert not found.verdict.passed
    assert found.verdict.gate == "provenance"


def test_fault_another_key(copy: Signed, tmp_path: Path) -> None:
    attested.signing.new_keys(tmp_path / "other.pem")
    found = _examined(replace(copy, private=tmp_path / "other.pem"))
    assert found.verdict is not None
    assert not found.verdict.passed
    assert "was made with another key than" in found.verdict.reason


def test_whole_findings_are_green(limits: Gates) -> None:
    verdict = provenance.judge(WHOLE, limits.provenance)
    assert verdict.passed
    assert verdict.figures["complaints"] == []


@pytest.mark.parametrize(
    ("findings", "said"),
    [
        (replace(WHOLE, witnesses=WHOLE.witnesses[1:]), "The manifest was not judged."),
        (replace(WHOLE, witnesses=[]), "The signature was not judged."),
        (
            replace(WHOLE, witnesses=[*WHOLE.witnesses, Witness("MLflow run", "6" * 64)]),
            f"The MLflow run names release {'6' * 64}, not {'5' * 64}.",
        ),
        (replace(WHOLE, witnesses=[*WHOLE.witnesses, Witness("MLflow run", None)]), "names no release"),
        (replace(WHOLE, witnesses=[*WHOLE.witnesses, Witness("MLflow run", "5" * 64, "It lies.")]), "It lies."),
        (replace(WHOLE, held=DIGESTS | {"slices": "3" * 64}), "gate slices is not the one that was signed"),
        (replace(WHOLE, held={"leakage": "1" * 64}), "gate slices was signed, but the release does not hold it"),
        (replace(WHOLE, held=DIGESTS | {"more": "4" * 64}), "holds a verdict of gate more that was not signed"),
        (replace(WHOLE, held={}, signed={}), "The statement holds no verdict."),
        (replace(WHOLE, signed_on=NOW + timedelta(minutes=6)), "a clock is wrong"),
        (replace(WHOLE, signed_on=NOW + timedelta(days=400)), "400.0 days after the time of judging"),
    ],
)
def test_fault_findings_that_do_not_agree(findings: Findings, said: str, limits: Gates) -> None:
    verdict = provenance.judge(findings, limits.provenance)
    assert not verdict.passed
    assert said in verdict.reason


def test_a_clock_may_be_a_little_ahead(limits: Gates) -> None:
    assert provenance.judge(replace(WHOLE, signed_on=NOW + timedelta(minutes=4)), limits.provenance).passed
