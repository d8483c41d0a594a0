"""The table of forgeries: each refused, by words of its own; and a verify that is blind is noticed."""

from __future__ import annotations

import re
from pathlib import Path

import pytest

from slipway.attestation import examine, tampering
from slipway.attestation.tampering import Outcome
from slipway.release import manifest


@pytest.fixture
def table(release: Path, tmp_path: Path) -> list[Outcome]:
    (tmp_path / "scratch").mkdir()
    return tampering.outcomes(release, tmp_path / "scratch")


def test_every_forgery_is_refused_by_words_of_its_own(table: list[Outcome], release: Path) -> None:
    assert [it.name for it in table if not (it.refused and it.expected)] == []
    assert {it.exit_code for it in table} == {1, 3}
    assert len({it.name for it in table}) == len(table) >= 44
    # What differs by digests and folders alone is the same sentence.
    sentences = [re.sub(r"[0-9a-f]{8,}|/\d+/", "#", it.said) for it in table]
    twice = {name for name in sentences if sentences.count(name) > 1}
    known = ("is the signature of release", "was made with another key", "but the release is named")
    assert {name for name in twice if not any(words in name for words in known)} == set()
    manifest.verify(release)


def test_a_verify_that_looks_at_nothing_lets_them_through(
    release: Path, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    def blind(folder: Path, trusted: examine.Trusted) -> examine.Examination:
        return examine.Examination(folder)

    monkeypatch.setattr(tampering, "examine", blind)
    (tmp_path / "scratch").mkdir()
    through = [it for it in tampering.outcomes(release, tmp_path / "scratch") if not it.refused]
    assert len(through) >= 35
    assert {it.exit_code for it in through} == {0}
