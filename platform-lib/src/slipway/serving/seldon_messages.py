"""The messages of Seldon's v1 protocol, as far as they are read; other keys are ignored."""

from __future__ import annotations

from typing import Any

import msgspec


class Tensor(msgspec.Struct):
    """Numbers, row after row."""

    shape: list[int]
    values: list[Any]


class Data(msgspec.Struct):
    """Rows, with or without the names of their columns."""

    names: list[str] | msgspec.UnsetType | None = msgspec.UNSET
    ndarray: list[Any] | msgspec.UnsetType = msgspec.UNSET
    tensor: Tensor | msgspec.UnsetType = msgspec.UNSET


class Meta(msgspec.Struct):
    """What Seldon's clients send beside the data; only the id is used."""

    puid: str | msgspec.UnsetType = msgspec.UNSET


class Message(msgspec.Struct):
    """The body of a prediction request."""

    data: Data | msgspec.UnsetType = msgspec.UNSET
    jsonData: dict[str, Any] | list[dict[str, Any]] | msgspec.UnsetType = msgspec.UNSET
    meta: Meta | msgspec.UnsetType = msgspec.UNSET


class Said(msgspec.Struct):
    """A prediction request or its answer, quoted in feedback; what they held is in the request log."""

    meta: Meta | msgspec.UnsetType = msgspec.UNSET


class Truth(msgspec.Struct):
    """The true labels; text and bytes are read to be refused."""

    data: Data | msgspec.UnsetType = msgspec.UNSET
    jsonData: Any | msgspec.UnsetType = msgspec.UNSET
    strData: Any | msgspec.UnsetType = msgspec.UNSET
    binData: Any | msgspec.UnsetType = msgspec.UNSET


class FeedbackMessage(msgspec.Struct):
    """The body of a feedback request."""

    request: Said | msgspec.UnsetType | None = msgspec.UNSET
    response: Said | msgspec.UnsetType | None = msgspec.UNSET
    truth: Truth | msgspec.UnsetType | None = msgspec.UNSET
    reward: float | msgspec.UnsetType = msgspec.UNSET


def keys(message: Message) -> int:
    """How many keys a message was read from, as far as its types know them."""
    count = 0
    if message.data is not msgspec.UNSET:
        data = message.data
        has_tensor = data.tensor is not msgspec.UNSET
        count += 1 + (data.names is not msgspec.UNSET) + (data.ndarray is not msgspec.UNSET) + 3 * has_tensor
    if message.jsonData is not msgspec.UNSET:
        rows = message.jsonData if isinstance(message.jsonData, list) else [message.jsonData]
        count += 1 + sum(map(len, rows))
    if message.meta is not msgspec.UNSET:
        count += 1 + (message.meta.puid is not msgspec.UNSET)
    return count
