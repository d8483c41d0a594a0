"""From messages to typed tables; what cannot be read becomes a dead letter, and holds up nothing else."""

from __future__ import annotations

import re
from collections import defaultdict
from collections.abc import Iterator, Sequence
from typing import Any, Literal, NamedTuple

import msgspec
import polars as pl

from slipway.request_log.events import ANSWERED, FEEDBACK, SPEC_VERSION, AnsweredData

INPUT = "input_"
_TYPES: dict[str, pl.DataType] = {"i": pl.Int64(), "n": pl.Float64(), "s": pl.String()}
_TIME = re.compile(r"(\d{4}-\d\d-\d\d)T\d\d:\d\d:\d\d\.\d{9}Z")
_TIME_FORMAT = "%Y-%m-%dT%H:%M:%S%.fZ"
_NAME = re.compile(r"[A-Za-z0-9][A-Za-z0-9._-]{0,127}")
_EVENT: dict[str, pl.DataType] = {
    "id": pl.String(), "event": pl.String(), "batch": pl.String(), "time": pl.String(),
    "predictor": pl.String(), "deployment": pl.String(),
}  # fmt: skip
_ANSWER: dict[str, pl.DataType] = _EVENT | {
    "protocol": pl.String(), "seconds": pl.Float64(), "rows": pl.Int64(), "row": pl.Int64(),
    "score": pl.Float64(), "decision": pl.Boolean(),
}  # fmt: skip
_FEEDBACK: dict[str, pl.DataType] = _EVENT | {"truth": pl.List(pl.Float64()), "reward": pl.Float64()}
_decode_many = msgspec.json.Decoder(list[msgspec.Raw]).decode


class Message(NamedTuple):
    """A message as it came: ``batch`` is its id."""

    batch: str
    body: bytes


class DeadLetter(NamedTuple):
    """An event that could not be stored: the ``number``-th of a message, or all of it (None)."""

    batch: str
    number: int | None
    reason: str
    content: bytes


class Place(NamedTuple):
    """Where rows belong: "answers" or "feedback", and the partition."""

    kind: Literal["answers", "feedback"]
    model: str
    release: str
    day: str


class Read(NamedTuple):
    """What some messages hold: rows by place, of equal columns each, and what could not be read."""

    tables: list[tuple[Place, pl.DataFrame]]
    dead: list[DeadLetter]


class _Envelope(msgspec.Struct, gc=False):
    specversion: str
    type: str
    id: str
    subject: str
    time: str
    data: msgspec.Raw


class _Feedback(msgspec.Struct, gc=False):
    model: str
    release: str
    predictor: str
    deployment: str
    truth: list[float | bool | None]
    reward: float | None = None


class _Event(NamedTuple):
    batch: str
    number: int
    raw: msgspec.Raw
    envelope: _Envelope
    data: Any


_decode_envelope = msgspec.json.Decoder(_Envelope).decode
_decode_data = {ANSWERED: msgspec.json.Decoder(AnsweredData).decode, FEEDBACK: msgspec.json.Decoder(_Feedback).decode}


def read(messages: Sequence[Message]) -> Read:
    """Tables of all that can be read.

    Answers have one row for each row of a request: id, event, batch, time (UTC, ns), predictor, deployment, protocol,
    seconds, rows (of the request), row, score, decision, and each input as ``input_<field>``. Feedback has one row:
    id, event, batch, time, predictor, deployment, truth (list), reward.
    """
    dead: list[DeadLetter] = []
    groups: dict[tuple[Any, ...], list[_Event]] = defaultdict(list)
    for message in messages:
        try:
            raws = _decode_many(message.body)
        except (msgspec.DecodeError, RecursionError) as error:
            dead.append(DeadLetter(message.batch, None, f"not a JSON array of events: {error}", message.body))
            continue
        for number, raw in enumerate(raws):
            try:
                event = _event(message.batch, number, raw)
                groups[_group(event)].append(event)
            except (ValueError, RecursionError) as error:
                dead.append(DeadLetter(message.batch, number, str(error), bytes(raw)))
    tables = []
    for (place, *_), events in groups.items():
        for outcome in _tables(place, events):
            if isinstance(outcome, DeadLetter):
                dead.append(outcome)
            else:
                tables.append((place, outcome))
    return Read(tables, dead)


def _event(batch: str, number: int, raw: msgspec.Raw) -> _Event:
    envelope = _decode_envelope(raw)
    decode = _decode_data.get(envelope.type)
    if envelope.specversion != SPEC_VERSION or decode is None:
        raise ValueError(f"CloudEvents {envelope.specversion}, type {envelope.type} is not known here")
    return _Event(batch, number, raw, envelope, decode(envelope.data))


def _group(event: _Event) -> tuple[Any, ...]:
    """What events must share to stand in one table, the place first."""
    data = event.data
    time = _TIME.fullmatch(event.envelope.time)
    if time is None:
        raise ValueError("the time is not RFC 3339 in UTC with nine decimals")
    if not _NAME.fullmatch(data.model) or not _NAME.fullmatch(data.release):
        raise ValueError("model or release has a name that no folder may have")
    if isinstance(data, _Feedback):
        return (Place("feedback", data.model, data.release, time[1]),)
    _check(data)
    return Place("answers", data.model, data.release, time[1]), data.kinds, tuple(data.inputs)


def _check(data: AnsweredData) -> None:
    rows = len(data.scores)
    if len(data.kinds) != len(data.inputs) or not set(data.kinds) <= _TYPES.keys():
        raise ValueError(f"{len(data.kinds)} kinds for {len(data.inputs)} inputs")
    if rows != len(data.decisions):
        raise ValueError(f"{rows} scores, {len(data.decisions)} decisions")
    if not 0 <= data.first_row <= data.first_row + rows <= data.rows:
        raise ValueError(f"rows {data.first_row} to {data.first_row + rows} of {data.rows}")
    if data.rows > 1:
        for name, values in data.inputs.items():
            if not isinstance(values, list) or len(values) != rows:
                raise ValueError(f"input {name!r} has not {rows} values")


def _tables(place: Place, events: list[_Event]) -> Iterator[pl.DataFrame | DeadLetter]:
    """One table of all events; or, when a value is not of its column's type, one of each that fits."""
    try:
        yield _answers(events) if place.kind == "answers" else _feedback(events)
    except (TypeError, ValueError, OverflowError, pl.exceptions.PolarsError) as error:
        if len(events) == 1:
            (event,) = events
            reason = f"a value is not of its column's type: {error}"
            yield DeadLetter(event.batch, event.number, reason, bytes(event.raw))
            return
        for event in events:
            yield from _tables(place, [event])


def _answers(events: list[_Event]) -> pl.DataFrame:
    first = events[0].data
    schema = _ANSWER | {INPUT + name: _TYPES[kind] for name, kind in zip(first.inputs, first.kinds, strict=True)}
    columns: dict[str, list[Any]] = {name: [] for name in schema}
    inputs = [(name, columns[INPUT + name]) for name in first.inputs]
    for event in events:
        data = event.data
        rows = len(data.scores)
        for name, value in _common(event).items():
            columns[name].extend([value] * rows)
        for name in ("protocol", "seconds", "rows"):
            columns[name].extend([getattr(data, name)] * rows)
        columns["row"].extend(range(data.first_row, data.first_row + rows))
        columns["score"].extend(data.scores)
        columns["decision"].extend(data.decisions)
        for name, values in inputs:
            values.extend(data.inputs[name]) if data.rows > 1 else values.append(data.inputs[name])
    return _frame(columns, schema)


def _feedback(events: list[_Event]) -> pl.DataFrame:
    columns: dict[str, list[Any]] = {name: [] for name in _FEEDBACK}
    for event in events:
        for name, value in _common(event).items():
            columns[name].append(value)
        columns["truth"].append([None if label is None else float(label) for label in event.data.truth])
        columns["reward"].append(event.data.reward)
    return _frame(columns, _FEEDBACK)


def _common(event: _Event) -> dict[str, str]:
    envelope, data = event.envelope, event.data
    return {
        "id": envelope.subject, "event": envelope.id, "batch": event.batch, "time": envelope.time,
        "predictor": data.predictor, "deployment": data.deployment,
    }  # fmt: skip


def _frame(columns: dict[str, list[Any]], schema: dict[str, pl.DataType]) -> pl.DataFrame:
    frame = pl.DataFrame(columns, schema=schema, strict=True)
    return frame.with_columns(pl.col("time").str.to_datetime(_TIME_FORMAT, time_unit="ns", time_zone="UTC"))
