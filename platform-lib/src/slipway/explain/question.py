"""Which request is to be explained, and whether it keeps the rules."""

from __future__ import annotations

import json
from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import Any

from slipway.contracts.request import Breach, RequestRules
from slipway.contracts.signature import Field, in_words
from slipway.errors import UsageError
from slipway.files import read_json
from slipway.release import Release
from slipway.request_log.partitions import answers
from slipway.request_log.reading import INPUT
from slipway.serving.binary_tensors import Cursor
from slipway.serving.identity import Identities
from slipway.serving.open_inference import OpenInference
from slipway.serving.reading import Reader
from slipway.serving.replies import Refused
from slipway.serving.scoring import EXAMPLE, Scorer
from slipway.serving.seldon import Seldon
from slipway.serving.seldon_messages import Message
from slipway.serving.v2_messages import InferRequest

_TOLD = 3
_PROTOCOLS = {"v2": "Open Inference V2", "seldon": "Seldon v1", "row": "fields"}


@dataclass(frozen=True)
class Recorded:
    """What the request log says was answered: when (ISO 8601), the score and the decision."""

    time: str
    score: float
    decision: bool


@dataclass(frozen=True)
class Question:
    """One row that keeps the rules of a release.

    Attributes:
        source: where it comes from, as a phrase.
        row: field name to value, in the order of the signature.
        recorded: what was answered then, if it comes from the request log.
    """

    source: str
    row: dict[str, Any]
    recorded: Recorded | None = None


@dataclass(frozen=True)
class Checked:
    """One field: its value as it came, its rule in words, and the rules that the value breaks."""

    field: Field
    value: Any
    rule: str
    breaches: list[Breach]


class RequestRefused(UsageError):
    """A request that breaks the rules, which the server refuses.

    Attributes:
        checked: each field, with what it breaks.
        others: what else is wrong: fields that the signature does not have, a tensor's type or shape.
    """

    def __init__(self, source: str, checked: Sequence[Checked], others: Sequence[Breach]) -> None:
        self.source = source
        self.checked = list(checked)
        self.others = list(others)
        self.breaches = [*(breach for entry in checked for breach in entry.breaches), *others]
        told = [str(breach) for breach in self.breaches[:_TOLD]]
        if len(self.breaches) > _TOLD:
            told.append(f"and {len(self.breaches) - _TOLD} more")
        said = "; ".join(told)
        super().__init__(f"The request ({source}) breaks {len(self.breaches)} rules: {said}.", "A server answers 400.")


def example(release: Release) -> Question:
    """The release's own example."""
    return _validated("the release's example", read_json(release.folder / EXAMPLE), release)


def from_body(body: bytes, source: str, release: Release, row: int = 0) -> Question:
    """A row of a request body: one of the V2 protocol, of Seldon's, or an object of field to value.

    It is read and checked by the code of the server.

    Raises:
        RequestRefused: naming every rule that the row breaks.
        Refused: when there is no row in it that could be checked.
        UsageError: when it has no row of that number.
    """
    given = _Body(body, _protocol(body, release), source, row)
    rows = given.rows(release)
    if not 0 <= row < len(rows):
        raise UsageError(f"The request has {len(rows)} rows, so there is no row {row}.", "Rows count from 0.")
    numbered = f", row {row} of {len(rows)}" if len(rows) > 1 else ""
    return _validated(f"{given.source}{numbered}", rows[row], release)


def from_log(folder: Path, identity: str, release: Release, row: int = 0) -> Question:
    """A row of an answered request that ``slipway collect`` has stored.

    Raises:
        UsageError: when there is no such request, another release answered it, or the log keeps a field as a token.
    """
    found = answers(folder).filter(id=identity, row=row).sort("time").collect()
    if not found.height:
        raise UsageError(f"{folder} holds no answer with id {identity!r} and row {row}.", "Collect it first.")
    # A copy for a challenger in the shadow has the same id.
    own = found.filter(release=release.digest)
    record = (own if own.height else found).row(-1, named=True)
    if record["release"] != release.digest:
        raise UsageError(
            f"Request {identity!r} was answered by release {record['release']}, not by {release.digest}.",
            "Explain it by the release that answered it.",
        )
    kept = [field.name for field in release.fields if field.logged is not None]
    if kept:
        raise UsageError(f"The request log does not keep {', '.join(kept)}, which are personal.", "Use the request.")
    values = {field.name: record[f"{INPUT}{field.name}"] for field in release.fields}
    recorded = Recorded(record["time"].isoformat(), record["score"], record["decision"])
    question = _validated(f"request {identity!r} of the log, row {row} of {record['rows']}", values, release)
    return Question(question.source, question.row, recorded)


def checked(release: Release, row: Mapping[str, Any]) -> list[Checked]:
    """Each field of the signature with its value and what it breaks."""
    breaches = RequestRules(release.fields).breaches(row)
    return [
        Checked(field, row.get(field.name), in_words(field), [each for each in breaches if each.field == field.name])
        for field in release.fields
    ]


def _validated(source: str, row: Mapping[str, Any], release: Release) -> Question:
    rules = RequestRules(release.fields)
    breaches = rules.breaches(row)
    if breaches:
        others = [breach for breach in breaches if breach.field not in rules.names]
        raise RequestRefused(source, checked(release, row), others)
    return Question(source, rules.row(row))


def _protocol(body: bytes, release: Release) -> str:
    """The protocol whose keys the body has, unless they are fields."""
    try:
        message = json.loads(body)
    except (ValueError, RecursionError) as error:
        raise UsageError(f"The request is not valid JSON: {error}.", "Send a JSON object, in UTF-8.") from None
    names = {field.name for field in release.fields}
    keys = set(message) - names if isinstance(message, dict) else set()
    if "inputs" in keys:
        return "v2"
    return "seldon" if keys & {"data", "jsonData"} else "row"


class _Body:
    """A request body of a known protocol, of which one row is asked about."""

    def __init__(self, body: bytes, protocol: str, source: str, row: int) -> None:
        self.source = f"{source}, {_PROTOCOLS[protocol]}"
        self._body = body
        self._protocol = protocol
        self._row = row

    def rows(self, release: Release) -> list[dict[str, Any]]:
        """All rows, as they came in an object of field to value, or as the server's code reads and checks them."""
        if self._protocol == "row":
            return [dict(Reader(dict).read(self._body, lambda found: found))]
        scorer = Scorer(release)
        try:
            if self._protocol == "v2":
                v2 = OpenInference(scorer, Identities(), lambda: True)
                batch = Reader(InferRequest).read(self._body, lambda message: v2.check(message, Cursor(b""))).batch
            else:
                batch = Reader(Message).read(self._body, Seldon(scorer, Identities(), lambda: True).check)[1]
        except Refused as refused:
            raise self._explained(refused, release) from None
        if batch.row is not None:
            return [batch.row]
        return [dict(zip(batch.columns, values, strict=True)) for values in zip(*batch.columns.values(), strict=True)]

    def _explained(self, refused: Refused, release: Release) -> Refused | RequestRefused:
        """The server's refusal, with every rule that the row breaks: a server stops at ten."""
        if not refused.breaches:
            return refused
        names = [field.name for field in release.fields]
        given = self._as_given(names)
        if given is None:
            return RequestRefused(self.source, [], refused.breaches)
        broken = RequestRules(release.fields).breaches(given)
        said = {(each.field, each.rule) for each in broken}
        others = [each for each in refused.breaches if (each.field, each.rule) not in said]
        unknown = [each for each in broken if each.field not in names]
        return RequestRefused(self.source, checked(release, given), [*unknown, *others])

    def _as_given(self, names: list[str]) -> dict[str, Any] | None:
        """The row as it was sent, or None where it cannot be told which values are its."""
        message = json.loads(self._body)
        try:
            if self._protocol == "v2":
                return {tensor["name"]: _flat(tensor["data"])[self._row] for tensor in message["inputs"]}
            if "jsonData" in message:
                rows = message["jsonData"]
                return dict(rows[self._row] if isinstance(rows, list) else rows)
            data = message["data"]
            return dict(zip(data.get("names") or names, data["ndarray"][self._row], strict=True))
        except (KeyError, IndexError, TypeError, ValueError):
            return None


def _flat(values: list[Any]) -> list[Any]:
    return [value[0] if isinstance(value, list) and len(value) == 1 else value for value in values]
