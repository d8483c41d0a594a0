from __future__ import annotations

import json

import msgspec
import pytest
from hypothesis import given
from hypothesis import strategies as st

from slipway.serving.reading import Reader
from slipway.serving.replies import Refused


class Note(msgspec.Struct):
    value: object
    id: str | msgspec.UnsetType = msgspec.UNSET


def _keys(note: Note) -> int:
    return 1 + (note.id is not msgspec.UNSET)


READER = Reader(Note, _keys)


def _read(body: bytes) -> object:
    return READER.read(body, lambda note: note.value)


@pytest.mark.parametrize("body", [b'{"value":1}', b'{"id":"a:b","value":1}', b'{"value":1,"more":{"x":[1,{"y":2}]}}'])
def test_a_good_body_is_answered(body: bytes) -> None:
    assert _read(body) == 1


@pytest.mark.parametrize(
    ("body", "message"),
    [
        (b"", "body is empty"),
        (b"{", "not valid JSON"),
        (b'{"value":1} x', "not valid JSON"),
        (b"\xff\xfe", "not valid JSON"),
        (b'{"value":"\xff"}', "not valid JSON"),
        (b'{"value":"\\ud800"}', "not valid JSON"),
        ('{"value":1}'.encode("utf-16"), "not valid JSON"),
        (b'{"value":NaN}', "not valid JSON"),
        (b'{"value":-Infinity}', "not valid JSON"),
        (b'{"value":1e999}', "not valid JSON"),
        (b'{"value":' + b"1" * 5000 + b"}", "not valid JSON"),
        (b"[]", "wrong shape: Expected `object`, got `array`"),
        (b"{}", "missing required field `value`"),
        (b'{"value":1,"id":2}', r"wrong shape: Expected `str`, got `int` - at `\$.id`"),
        (b'{"value":1,"value":2}', "field 'value': the JSON key occurs twice"),
        (b'{"value":{"a":1,"a":2}}', "field 'a': the JSON key occurs twice"),
        (b'{"value":1,"more":{"a":1,"a":2}}', "field 'a': the JSON key occurs twice"),
        (b'{"value":1,"more":{":":"\xff"}}', "not valid JSON"),
        (b'{"value":1,"more":{"a":' + b"1" * 5000 + b',"a":1}}', "field 'a': the JSON key occurs twice"),
        (b'{"value":' + b"[" * 500_000, "nested too deeply"),
        (b'{"value":' + b'{"a":' * 100_000, "nested too deeply"),
    ],
)
def test_a_bad_body_is_refused(body: bytes, message: str) -> None:
    with pytest.raises(Refused, match=message) as caught:
        _read(body)
    assert caught.value.status == 400


def test_without_a_count_of_keys_every_body_is_looked_through() -> None:
    with pytest.raises(Refused, match="occurs twice"):
        Reader(Note).read(b'{"value":{"a":1,"a":2}}', lambda note: note)


def test_the_check_s_own_refusal_of_a_nan_comes_first() -> None:
    def refuse(note: Note) -> None:
        raise Refused(400, f"field 'temp': {note.value} is not finite")

    with pytest.raises(Refused, match="field 'temp': nan is not finite"):
        READER.read(b'{"value":NaN}', refuse)


def test_nesting_is_read_or_refused_on_both_sides_of_the_limit() -> None:
    outcomes = {_outcome(b"[" * depth + b'{"a":1}' + b"]" * depth) for depth in range(700, 1100, 3)}
    assert outcomes == {"read", "The JSON is nested too deeply."}


def _outcome(nested: bytes) -> str:
    try:
        _read(b'{"value":1,"more":' + nested + b"}")
    except Refused as refusal:
        return str(refusal)
    return "read"


@given(st.binary(max_size=60))
def test_no_bytes_at_all_raise_anything_but_a_refusal(body: bytes) -> None:
    with pytest.raises(Refused):
        _read(body + b"}")


@given(st.lists(st.tuples(st.sampled_from(["value", "id", "x:", "y"]), st.text(max_size=4)), max_size=6))
def test_a_doubled_key_is_always_found(pairs: list[tuple[str, str]]) -> None:
    pairs = [("value", "v"), *pairs]
    body = "{" + ",".join(f"{json.dumps(name)}:{json.dumps(text)}" for name, text in pairs) + "}"
    names = [name for name, _ in pairs]
    if len(set(names)) == len(names):
        assert _read(body.encode()) == "v"
    else:
        with pytest.raises(Refused, match="occurs twice"):
            _read(body.encode())
