"""The kinds of proof. Each says whether it holds for what was found, and why, in a sentence; none is ever assumed."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass, field
from typing import Any, Protocol

from slipway.score.testing import PASSED, covers


@dataclass(frozen=True)
class Findings:
    """What there is to judge by.

    Attributes:
        model: its name.
        tests: outcome of each test that ran, by its node id.
        verdicts: of the release's evidence, by gate.
        study: the release's study.json, None where it holds none.
        features: names of the model's features, from the model file itself.
        inclusion: slicings that the release's model.yaml names as those that must be served alike.
        tuning: models/<model>/tuning.json, None where there is none.
        train: the release's ``train`` parameters.
        training_data: digest of the rows that the model is trained on, as they stand on disk; None where they do not.
    """

    model: str
    tests: Mapping[str, str] = field(default_factory=dict)
    verdicts: Mapping[str, Any] = field(default_factory=dict)
    study: Mapping[str, Any] | None = None
    features: Sequence[str] = ()
    inclusion: Sequence[str] = ()
    tuning: Mapping[str, Any] | None = None
    train: Mapping[str, Any] = field(default_factory=dict)
    training_data: str | None = None


@dataclass(frozen=True)
class Outcome:
    """Whether a proof holds, and what was seen."""

    holds: bool
    seen: str


class Proof(Protocol):
    """Something that can be executed, and then holds or does not."""

    def name(self, model: str) -> str:
        """What it is, for a reader."""

    def judge(self, found: Findings) -> Outcome:
        """Whether it holds."""


@dataclass(frozen=True)
class Test:
    """A test, all tests of a file, or all cases of one: at least one ran, and all passed. ``{model}`` is filled in."""

    __test__ = False  # pytest would collect it
    node: str

    def name(self, model: str) -> str:
        return self.node.format(model=model)

    def judge(self, found: Findings) -> Outcome:
        node = self.name(found.model)
        ran = {test: outcome for test, outcome in found.tests.items() if covers(node, test)}
        bad = sorted(f"{test} {outcome}" for test, outcome in ran.items() if outcome != PASSED)
        if not ran:
            return Outcome(False, f"test {node} did not run: it does not exist, or its file cannot be imported")
        if bad:
            return Outcome(False, f"{len(bad)} of {len(ran)} did not pass: {bad[0]}")
        return Outcome(True, f"{len(ran)} passed")


@dataclass(frozen=True)
class Green:
    """The verdict of a gate in the release's evidence."""

    gate: str

    def name(self, model: str) -> str:
        return f"gate {self.gate}"

    def judge(self, found: Findings) -> Outcome:
        verdict = found.verdicts.get(self.gate)
        if verdict is None:
            return Outcome(False, f"the release's evidence holds no verdict of gate {self.gate}")
        if verdict.get("gate") != self.gate or verdict.get("passed") is not True:
            return Outcome(False, f"gate {self.gate} is red: {verdict.get('reason')}")
        return Outcome(True, "green")


@dataclass(frozen=True)
class EveryFeatureEarns:
    """The study's ablation covers exactly the model's features, and each earns its place."""

    def name(self, model: str) -> str:
        return "study: ablation of every feature"

    def judge(self, found: Findings) -> Outcome:
        ablation = (found.study or {}).get("ablation")
        if not ablation:
            return Outcome(False, "the release holds no ablation")
        left_out = [entry["feature"] for entry in ablation["features"]]
        if not left_out or left_out != list(found.features):
            return Outcome(False, "the ablation is of other features than the model has")
        weak, harmful = ablation["unearned"], [entry["feature"] for entry in ablation["features"] if entry["harms"]]
        if weak:
            worse = f"; better off without: {', '.join(harmful)}" if harmful else ""
            return Outcome(False, f"{len(weak)} of {len(left_out)} do not earn their place: {', '.join(weak)}{worse}")
        return Outcome(True, f"each of {len(left_out)} features earns its place")


@dataclass(frozen=True)
class StalenessKnown:
    """The study's curve says what a model loses at several ages, with intervals."""

    fewest_ages: int = 3

    def name(self, model: str) -> str:
        return "study: staleness curve"

    def judge(self, found: Findings) -> Outcome:
        ages = (found.study or {}).get("staleness", {}).get("ages", [])
        known = [entry for entry in ages if None not in entry["above_freshest"].values()]
        if len(known) < self.fewest_ages:
            return Outcome(False, f"the release's curve knows {len(known)} ages, {self.fewest_ages} are needed")
        oldest = known[-1]
        above = oldest["above_freshest"]
        return Outcome(
            True,
            f"{len(known)} ages; after {oldest['age']} months log loss is {above['value']:+.4f} "
            f"[{above['low']:+.4f}, {above['high']:+.4f}] above the freshest",
        )


@dataclass(frozen=True)
class Included:
    """Each slicing that model.yaml names under ``inclusion`` was judged, for nearly all rows of the evaluation."""

    least_share: float = 0.95

    def name(self, model: str) -> str:
        return "model.yaml: inclusion, judged by gate slices"

    def judge(self, found: Findings) -> Outcome:
        if not found.inclusion:
            return Outcome(False, "the release's model.yaml names no slicing under inclusion")
        figures = found.verdicts.get("slices", {}).get("figures", {})
        rows: dict[str, int] = {}
        for entry in figures.get("slices", []):
            slicing = entry["slice"].partition("=")[0]
            rows[slicing] = rows.get(slicing, 0) + entry["rows"]
        everything = (found.study or {}).get("ablation", {}).get("rows")
        if not everything:
            return Outcome(False, "the release does not say how many rows it was judged on")
        missed = [name for name in found.inclusion if rows.get(name, 0) < self.least_share * everything]
        if missed:
            return Outcome(False, f"gate slices has not judged nearly all rows by {', '.join(missed)}")
        small = [name for name in figures.get("too_small", []) if name.partition("=")[0] in found.inclusion]
        aside = f"; too few rows to judge: {', '.join(small)}" if small else ""
        return Outcome(True, f"judged by {', '.join(found.inclusion)}{aside}")


@dataclass(frozen=True)
class Tuned:
    """The tuning's record is of these training rows, and the parameters in use are no worse than its best by more
    than its noise.
    """

    fewest_trials: int = 20

    def name(self, model: str) -> str:
        return f"models/{model}/tuning.json"

    def judge(self, found: Findings) -> Outcome:
        record = found.tuning
        if record is None:
            return Outcome(False, "there is no record: `slipway tune` makes it")
        if found.training_data is None or record["data"] != found.training_data:
            return Outcome(False, "the record is of other training rows than the model's")
        if len(record["trials"]) < self.fewest_trials:
            return Outcome(False, f"{len(record['trials'])} trials, {self.fewest_trials} are needed")
        in_use = {name: found.train.get(name) for name in record["space"]}
        if record["in_use"]["params"] != in_use:
            return Outcome(False, "the record judged other parameters than those in use")
        excess = record["in_use"]["above_best"]
        said = f"{excess['value']:+.4f} [{excess['low']:+.4f}, {excess['high']:+.4f}] log loss above the best"
        if excess["low"] > 0:
            return Outcome(False, f"the parameters in use are {said} of {len(record['trials'])} trials")
        return Outcome(True, f"{len(record['trials'])} trials; the parameters in use are {said}")
