"""Everything that happens to one request on its way to a decision, as figures."""

from __future__ import annotations

import math
from collections.abc import Callable
from dataclasses import dataclass
from itertools import accumulate
from typing import Any

from slipway.errors import OWN_FAULT, EnvironmentFault, SlipwayError
from slipway.evaluation.kpi import Costs
from slipway.explain.question import Checked, Question, checked
from slipway.explain.trees import Path, average, walk
from slipway.features.tracing import Traced
from slipway.release import Release

# So many trees are walked; all of them are summed.
_WALKED = 5
_CLOSE = 1e-9


class NotExplained(SlipwayError):
    """What was found does not add up to the score, or the model is of a kind that cannot be explained."""

    exit_code = OWN_FAULT


@dataclass(frozen=True)
class Feature:
    """One feature of the request.

    Attributes:
        name: its name.
        value: as the release computes it; NaN where it is missing.
        given: the request fields that it comes from, with their values.
        contribution: what it adds to the raw score (TreeSHAP).
    """

    name: str
    value: float
    given: dict[str, Any]
    contribution: float

    @property
    def missing(self) -> bool:
        return math.isnan(self.value)

    @property
    def odds(self) -> float:
        """By what it multiplies the odds of the positive outcome, where the raw score is their logarithm."""
        return math.exp(self.contribution)


@dataclass(frozen=True)
class Step:
    """A feature's contribution on the way from the expected score to this one, the largest first."""

    feature: Feature
    before: float
    after: float


@dataclass(frozen=True)
class Explanation:
    """Why a release answers a request as it does.

    Attributes:
        release: the release.
        question: the request.
        checked: each field with its rule; all are kept.
        features: in the order of the model.
        expected: the expected raw score, which the contributions start from.
        cumulative: the raw score after each tree, of shape (trees,).
        paths: the trees that add or take most.
        objective: LightGBM's, which fixes the link function.
        score: the release's own answer.
        costs: of each outcome.
    """

    release: Release
    question: Question
    checked: list[Checked]
    features: list[Feature]
    expected: float
    cumulative: list[float]
    paths: list[Path]
    objective: str
    score: float
    costs: Costs

    @property
    def raw(self) -> float:
        """The raw score: the sum of all trees."""
        return self.cumulative[-1]

    @property
    def decision(self) -> bool:
        return self.score >= self.release.threshold

    @property
    def strongest(self) -> list[Feature]:
        """The features by the size of their contribution, the largest first."""
        return sorted(self.features, key=lambda feature: (-abs(feature.contribution), feature.name))

    def steps(self) -> list[Step]:
        """From the expected score to this one, through the link function after each feature."""
        through = link(self.objective)
        ends = list(accumulate((each.contribution for each in self.strongest), initial=self.expected))
        ends[-1] = self.raw
        return [
            Step(feature, through(before), through(after))
            for feature, before, after in zip(self.strongest, ends[:-1], ends[1:], strict=True)
        ]


def explain(release: Release, question: Question) -> Explanation:
    """Walk ``question`` through ``release``.

    Raises:
        NotExplained: when contributions or trees do not add up to the raw score, or the raw score does not lead to
            the score.
        EnvironmentFault: when the request log recorded another score, as of a release that was changed on the way.
    """
    booster, row = release.booster, release.features_of(question.row)
    traced = release.trace(question.row)
    *contributions, expected = booster.contributions(row)
    leaves = booster.leaves(row)
    outputs = [booster.leaf_output(tree, leaf) for tree, leaf in enumerate(leaves)]
    dump = booster.dump()
    found = Explanation(
        release=release,
        question=question,
        checked=checked(release, question.row),
        features=[
            Feature(name, value, _given(origin, question.row), contribution)
            for name, value, origin, contribution in zip(release.feature_names, row, traced, contributions, strict=True)
        ],
        expected=expected,
        cumulative=list(accumulate(outputs)),
        paths=_paths(dump, release, traced, leaves, outputs),
        objective=str(dump["objective"]),
        score=release.score_row(question.row),
        costs=Costs(**release.card["kpi"]["costs"]),
    )
    _check(found, booster.raw(row), [float(origin.value) for origin in traced])
    recorded = question.recorded
    if recorded is not None and (recorded.score, recorded.decision) != (found.score, found.decision):
        raise EnvironmentFault(
            f"The request log recorded the score {recorded.score!r}, but this release answers {found.score!r} here.",
            "Either the log was changed, or the server computes otherwise: look at gate skew.",
        )
    return found


def link(objective: str) -> Callable[[float], float]:
    """The function from raw score to probability of a LightGBM objective, such as "binary sigmoid:1".

    Raises:
        NotExplained: for an objective whose score is no probability of one outcome.
    """
    kind, *settings = objective.split()
    if kind != "binary":
        raise NotExplained(f"The link function of objective {objective!r} is not known to slipway explain.")
    slope = float(dict(setting.split(":") for setting in settings)["sigmoid"])
    return lambda raw: 1.0 / (1.0 + math.exp(-slope * raw))


def _given(origin: Traced, row: dict[str, Any]) -> dict[str, Any]:
    return {name: value for name, value in row.items() if name in origin.fields}


def _paths(
    dump: dict[str, Any], release: Release, traced: list[Traced], leaves: list[int], outputs: list[float]
) -> list[Path]:
    """The trees that move the score most; each is walked, and must lead to the leaf that LightGBM reached."""
    trees = dump["tree_info"]
    moved = [output - average(tree) for output, tree in zip(outputs, trees, strict=True)]
    paths = []
    for tree in sorted(range(len(trees)), key=lambda tree: (-abs(moved[tree]), tree))[:_WALKED]:
        leaf, conditions = walk(trees[tree], release.feature_names, traced)
        if leaf != leaves[tree]:
            raise NotExplained(f"Tree {tree} leads to leaf {leaf} here and to leaf {leaves[tree]} in LightGBM.")
        paths.append(Path(tree, leaf, outputs[tree], moved[tree], conditions))
    return paths


def _check(found: Explanation, raw: float, traced: list[float]) -> None:
    """Nothing is shown that does not add up."""
    contributed = math.fsum([found.expected, *(feature.contribution for feature in found.features)])
    linked = link(found.objective)(found.raw)
    pairs = {
        "The sum of the trees": (found.raw, raw, 0.0),
        "The sum of the contributions": (contributed, raw, _CLOSE * max(1.0, abs(raw))),
        "The link function of the raw score": (linked, found.score, _CLOSE * max(1.0, abs(found.score))),
    }
    for what, (one, other, allowed) in pairs.items():
        if not abs(one - other) <= allowed:
            raise NotExplained(f"{what} is {one!r}, but LightGBM gives {other!r}.", "Report this as a bug.")
    for feature, value in zip(found.features, traced, strict=True):
        if not (feature.value == value or (feature.missing and math.isnan(value))):
            raise NotExplained(f"Feature {feature.name} is {feature.value!r}, and {value!r} when traced.")
