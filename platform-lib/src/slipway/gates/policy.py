"""Gate ``policy``: a release says who answers for it, under which terms, what it is worth, and keeps people's secrets.

This is the part that can be judged before there is a release: what the model states of itself, its card, its contract,
and which columns its code reads. Each requirement has a name, and a verdict names those that are not met.
"""

from __future__ import annotations

import re
from collections.abc import Callable, Iterator, Mapping
from dataclasses import asdict, dataclass, field
from typing import Annotated, Any, ClassVar

from annotated_types import Gt, MinLen
from packaging.licenses import InvalidLicenseExpression, canonicalize_license_expression

from slipway.contracts.signature import DROPPED, TOKENISED, Field
from slipway.errors import UsageError
from slipway.evaluation.kpi import Costs
from slipway.gates.verdict import Verdict, rounded

# What only a person knows; the other sections of a model card are made from evidence (Mitchell et al., 2019).
SECTIONS = (
    "Intended use",
    "Factors",
    "Method",
    "Data",
    "Privacy",
    "Ethical considerations",
    "Caveats and recommendations",
)

_PLACEHOLDER = re.compile(r"\b(todo|tbd|fixme|xxx+|change ?me|placeholder|lorem ipsum)\b|<[^>]+>", re.IGNORECASE)
_EMAIL = re.compile(r"[^@\s]+@(?P<domain>[^@\s.]+(\.[^@\s.]+)+)")
_HANDLE = re.compile(r"@[a-z0-9][a-z0-9-]+(/[a-z0-9][a-z0-9_.-]+)?")
# RFC 2606: names that belong to nobody.
_RESERVED = re.compile(r"(^|\.)(example(\.(com|net|org))?|test|invalid|localhost)$")
_NOBODY = re.compile(r"\b(owner|nobody|somebody|someone|unknown|none|your|my|team-?name|user(name)?|me)\b")
_CURRENCY = re.compile(r"[A-Z]{3}")  # ISO 4217
_DELAY = re.compile(r"(?P<count>\d+(\.\d+)?) (?P<unit>minute|hour|day|week)s?")
_DAYS = {"minute": 1 / 1440, "hour": 1 / 24, "day": 1.0, "week": 7.0}
_NAME = re.compile(r"[a-z][a-z0-9_]*")


@dataclass(frozen=True)
class Thresholds:
    """What a release may say.

    Attributes:
        allowed_licences: SPDX identifiers that a model may have.
        allowed_data_licences: SPDX identifiers that its data may have.
        max_retention_days: the longest time for which data may be kept.
        max_label_delay_days: the longest time until the truth is known; later labels cannot be monitored.
        min_words: of the purpose, and of each section of the card that a person writes.
        personal_words: a column is personal if a part of its name begins with one of them; it must be marked so.
    """

    __pydantic_config__: ClassVar[dict[str, str]] = {"extra": "forbid"}
    allowed_licences: Annotated[tuple[str, ...], MinLen(1)]
    allowed_data_licences: Annotated[tuple[str, ...], MinLen(1)]
    max_retention_days: Annotated[int, Gt(0)]
    max_label_delay_days: Annotated[float, Gt(0)]
    min_words: Annotated[int, Gt(0)]
    personal_words: Annotated[tuple[str, ...], MinLen(1)]


@dataclass(frozen=True)
class Column:
    """A column of the contract: whether it is marked personal, and what is said about it."""

    name: str
    personal: bool
    about: str


@dataclass(frozen=True)
class Facts:
    """What is known of a release before it is made, gathered by :func:`slipway.release.facts.gather`.

    Attributes:
        statement: content of model.yaml.
        card: title to text of each section of card.md.
        columns: every column of the contract.
        fields: the request signature.
        features: fields that the features read.
        watched: fields that the drift view reads.
        places: what else reads columns or ships them, by name, to the names of those columns.
        source_licence: the licence that ingestion recorded with the data.
        threshold: the decision threshold that the model was evaluated at.
    """

    statement: Any
    card: Mapping[str, str]
    columns: tuple[Column, ...]
    fields: tuple[Field, ...]
    features: tuple[str, ...]
    watched: tuple[str, ...]
    places: Mapping[str, tuple[str, ...]] = field(default_factory=dict)
    source_licence: str | None = None
    threshold: float | None = None

    def said(self, key: str) -> Any:
        """The value of a dotted key of model.yaml, or None."""
        value = self.statement
        for part in key.split("."):
            value = value.get(part) if isinstance(value, Mapping) else None
        return value


def judge(facts: Facts, thresholds: Thresholds) -> Verdict:
    """Hold what is known of a release against every requirement."""
    found = {name: list(requirement(facts, thresholds)) for name, requirement in REQUIREMENTS.items()}
    unmet = {name: complaints for name, complaints in found.items() if complaints}
    personal = [column.name for column in facts.columns if column.personal]
    return Verdict(
        gate="policy",
        passed=not unmet,
        reason="; ".join(f"{name}: {', '.join(complaints)}" for name, complaints in unmet.items()) + "."
        if unmet
        else f"All {len(found)} requirements are met: {facts.said('owner')} answers for it, licence "
        f"{facts.said('licence')}, data {facts.said('data_licence')} kept for {facts.said('retention_days')} days, "
        f"personal columns ({', '.join(personal) or 'none'}) reach nothing.",
        figures={"requirements": found, "unmet": sorted(unmet), "personal": personal},
        thresholds=asdict(thresholds),
    )


def _title(facts: Facts, thresholds: Thresholds) -> Iterator[str]:
    yield from _prose("title", facts.said("title"), 1)


def _purpose(facts: Facts, thresholds: Thresholds) -> Iterator[str]:
    yield from _prose("purpose", facts.said("purpose"), thresholds.min_words)


def _owner(facts: Facts, thresholds: Thresholds) -> Iterator[str]:
    owner = facts.said("owner")
    if not isinstance(owner, str) or not owner:
        yield "model.yaml lacks owner, an e-mail address or a team's @handle"
        return
    email = _EMAIL.fullmatch(owner)
    if not email and not _HANDLE.fullmatch(owner):
        yield f"owner {owner!r} is neither an e-mail address nor a team's @handle"
    elif (email and _RESERVED.search(email["domain"])) or _NOBODY.search(owner) or _PLACEHOLDER.search(owner):
        yield f"owner {owner!r} is a placeholder, which reaches nobody"


def _licence(facts: Facts, thresholds: Thresholds) -> Iterator[str]:
    yield from _licensed("licence", facts.said("licence"), thresholds.allowed_licences)


def _data_licence(facts: Facts, thresholds: Thresholds) -> Iterator[str]:
    said = facts.said("data_licence")
    yield from _licensed("data_licence", said, thresholds.allowed_data_licences)
    if said and said != facts.source_licence:
        yield f"data_licence {said!r} is not what ingestion recorded ({facts.source_licence!r})"


def _licensed(key: str, said: Any, allowed: tuple[str, ...]) -> Iterator[str]:
    unknown = [name for name in (said, *allowed) if isinstance(name, str) and name and not _in_spdx(name)]
    if not isinstance(said, str) or not said:
        yield f"model.yaml lacks {key}, an SPDX identifier"
    elif said not in allowed:
        yield f"{key} {said!r} is none of {', '.join(allowed)}"
    if unknown:
        yield f"{', '.join(map(repr, unknown))} is no SPDX identifier"


def _in_spdx(name: str) -> bool:
    try:
        return canonicalize_license_expression(name) == name
    except InvalidLicenseExpression:
        return False


def _retention(facts: Facts, thresholds: Thresholds) -> Iterator[str]:
    days, limit = facts.said("retention_days"), thresholds.max_retention_days
    if days is None:
        yield "model.yaml lacks retention_days"
    elif type(days) is not int or not 0 < days <= limit:
        yield f"retention_days {days!r} is not a whole number from 1 to {limit}"


def _label_delay(facts: Facts, thresholds: Thresholds) -> Iterator[str]:
    said, limit = facts.said("label_delay"), thresholds.max_label_delay_days
    match = _DELAY.fullmatch(said) if isinstance(said, str) else None
    if said in (None, ""):
        yield "model.yaml lacks label_delay"
    elif match is None:
        yield f'label_delay {said!r} is not a number and a unit, as in "1 day"'
    elif float(match["count"]) * _DAYS[match["unit"]] > limit:
        yield f"label_delay {said!r} is more than {limit:g} days"


def _output(facts: Facts, thresholds: Thresholds) -> Iterator[str]:
    names = [facts.said(f"output.{key}") for key in ("score", "decision")]
    for key, name in zip(("score", "decision"), names, strict=True):
        if not isinstance(name, str) or not _NAME.fullmatch(name):
            yield f"output.{key} {name!r} is no name in lower case" if name else f"model.yaml lacks output.{key}"
    if names[0] and names[0] == names[1]:
        yield f"output.score and output.decision are both {names[0]!r}"


def _kpi(facts: Facts, thresholds: Thresholds) -> Iterator[str]:
    yield from _prose("kpi.name", facts.said("kpi.name"), 1)
    currency = facts.said("kpi.currency")
    if not isinstance(currency, str) or not _CURRENCY.fullmatch(currency):
        yield f"kpi.currency {currency!r} is no ISO 4217 code" if currency else "model.yaml lacks kpi.currency"
    costs = {name: facts.said(f"kpi.costs.{name}") for name in ("acted_on_time", "acted_on_late", "missed_late")}
    missing = [name for name, cost in costs.items() if type(cost) not in (int, float)]
    if missing:
        yield f"model.yaml lacks the number {', '.join(f'kpi.costs.{name}' for name in missing)}"
        return
    try:
        Costs(**costs)
    except UsageError as error:
        yield f"kpi.costs do not make sense ({error.remedy.rstrip('.')})"


def _decision_threshold(facts: Facts, thresholds: Thresholds) -> Iterator[str]:
    if facts.threshold is None:
        yield "the model was evaluated at no decision threshold"
    elif not list(_kpi(facts, thresholds)):
        follows = rounded(Costs(**facts.said("kpi.costs")).threshold())
        if rounded(facts.threshold) != follows:
            yield f"the model was evaluated at {facts.threshold:g}, but the costs lead to {follows:g}"


def _card(facts: Facts, thresholds: Thresholds) -> Iterator[str]:
    for section in SECTIONS:
        if section not in facts.card:
            yield f"card.md lacks the section {section!r}"
        else:
            yield from _prose(f"section {section!r} of card.md", facts.card[section], thresholds.min_words)


def _contract(facts: Facts, thresholds: Thresholds) -> Iterator[str]:
    if not facts.fields:
        yield "the contract marks no column as part of a request"
    for entry in facts.fields:
        if entry.kind == "string" and entry.allowed is None and entry.pattern is None:
            yield f"string field {entry.name} has neither categories nor a pattern"
        if entry.kind != "string" and (entry.minimum is None or entry.maximum is None):
            yield f"numeric field {entry.name} has no range"


def _personal(facts: Facts, thresholds: Thresholds) -> Iterator[str]:
    personal = {column.name for column in facts.columns if column.personal}
    for column in facts.columns:
        if column.personal and not column.about:
            yield f"personal column {column.name} does not say why it is personal"
        word = _personal_word(column.name, thresholds.personal_words)
        if word and not column.personal:
            yield f"column {column.name} is not marked personal, though its name begins with {word!r}"
    for entry in facts.fields:
        if entry.name in personal and entry.logged not in (DROPPED, TOKENISED):
            yield f"personal request field {entry.name} would be logged as it is"
    for place, names in {"features": facts.features, "the drift view": facts.watched, **facts.places}.items():
        for name in names:
            if name in personal:
                yield f"personal column {name} reaches {place}"


def _personal_word(name: str, words: tuple[str, ...]) -> str | None:
    parts = name.lower().split("_")
    return next((word for word in words for part in parts if part.startswith(word)), None)


def _drift_view(facts: Facts, thresholds: Thresholds) -> Iterator[str]:
    unwatched = [name for name in facts.features if name not in facts.watched]
    if unwatched:
        yield f"features read {', '.join(unwatched)}, which the drift view does not"


def _prose(what: str, said: Any, words: int) -> Iterator[str]:
    if not isinstance(said, str) or not said.strip():
        yield f"model.yaml lacks {what}" if "card.md" not in what else f"{what} is empty"
    elif placeholder := _PLACEHOLDER.search(said):
        yield f"{what} holds the placeholder {placeholder.group()!r}"
    elif len(said.split()) < words:
        yield f"{what} has fewer than {words} words"


REQUIREMENTS: dict[str, Callable[[Facts, Thresholds], Iterator[str]]] = {
    "title": _title,
    "purpose": _purpose,
    "owner": _owner,
    "licence": _licence,
    "data_licence": _data_licence,
    "retention": _retention,
    "label_delay": _label_delay,
    "output": _output,
    "kpi": _kpi,
    "decision_threshold": _decision_threshold,
    "card": _card,
    "contract": _contract,
    "personal": _personal,
    "drift_view": _drift_view,
}
