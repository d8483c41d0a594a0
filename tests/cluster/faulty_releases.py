"""Further releases, made of the real one: each with a digest of its own, and whole as far as anybody can verify it."""

from __future__ import annotations

import hashlib
import math
import shutil
import statistics
from collections.abc import Sequence
from pathlib import Path
from typing import Any

from slipway.files import canonical_json, read_json
from slipway.release import Release, load, signing
from slipway.release.manifest import MANIFEST
from slipway.release.package import Part, seal


def variant(release: Path, room: Path, name: str) -> Path:
    """A release that answers as ``release`` does: only its card says another word. Returns its folder in ``room``."""
    card = (release / "card.md").read_bytes() + f"\nMade for a test: {name}.\n".encode()
    return _sealed(release, room, {"card.md": card})


def shifted(release: Path, room: Path, rows: Sequence[dict[str, Any]], deviations: float) -> Path:
    """A release whose scores of ``rows`` lie higher, on average, by so many of their standard deviations.

    Its evidence speaks of the changed model: no gate has seen it, as none sees what happens between it and people.
    """
    model = _raised(release / "model.txt", _offset(load(release), rows, deviations))
    evidence = read_json(release / "evidence.json")
    for verdict in evidence["verdicts"].values():
        if "model.txt" in verdict["subject"]:
            verdict["subject"]["model.txt"] = hashlib.sha256(model).hexdigest()
    return _sealed(release, room, {"model.txt": model, "evidence.json": canonical_json(evidence)})


def sign(release: Path, private: Path) -> Path:
    """Sign a release; the signature stands beside it. Returns the release."""
    signing.sign(release, private, release.with_name(f"{release.name}.sig"))
    return release


def _sealed(release: Path, room: Path, changed: dict[str, Part]) -> Path:
    room.mkdir(parents=True, exist_ok=True)
    parts: dict[str, Part] = {
        name: release / name for name in read_json(release / MANIFEST)["files"] if name not in changed
    }
    made = seal(parts | changed, room / "making", read_json(release / MANIFEST)["model"])
    target = room / made.name
    shutil.rmtree(target, ignore_errors=True)
    return made.rename(target)


def _offset(release: Release, rows: Sequence[dict[str, Any]], deviations: float) -> float:
    """What to add to the raw score."""
    raw = [release.booster.raw(release.features_of(row)) for row in rows]
    scores = [_logistic(each) for each in raw]
    wanted = statistics.fmean(scores) + deviations * statistics.stdev(scores)
    low, high = 0.0, 10.0
    for _ in range(50):
        middle = (low + high) / 2
        if statistics.fmean(_logistic(each + middle) for each in raw) < wanted:
            low = middle
        else:
            high = middle
    return low


def _logistic(raw: float) -> float:
    return 1.0 / (1.0 + math.exp(-raw))


def _raised(model: Path, offset: float) -> bytes:
    """The model with ``offset`` in every leaf of its first tree."""
    import lightgbm  # not above: whoever collects tests would wait for it

    booster = lightgbm.Booster(model_file=model)
    leaves = booster.dump_model(num_iteration=1)["tree_info"][0]["num_leaves"]
    for leaf in range(leaves):
        booster.set_leaf_output(0, leaf, booster.get_leaf_output(0, leaf) + offset)
    return booster.model_to_string().encode()
