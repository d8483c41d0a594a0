from __future__ import annotations

import json
from urllib.parse import urlencode

import pytest
from hypothesis import given
from hypothesis import strategies as st

from slipway.serving.content import BINARY, FORM, JSON, check_content, form_json
from slipway.serving.replies import Refused


@pytest.mark.parametrize(
    ("declared", "kind"), [(JSON, JSON), (f"{FORM}; charset=UTF-8", FORM), ("APPLICATION/Octet-Stream", BINARY)]
)
def test_the_kind_is_told(declared: str, kind: str) -> None:
    assert check_content({"content-type": declared}, (JSON, FORM, BINARY)) == kind


def test_a_kind_that_a_path_does_not_read_is_refused_with_those_that_it_does() -> None:
    with pytest.raises(Refused, match=r"form-urlencoded' is not served.*application/json") as caught:
        check_content({"content-type": FORM}, (JSON, BINARY))
    assert caught.value.status == 415


@given(st.recursive(st.text() | st.integers() | st.none(), lambda inner: st.dictionaries(st.text(), inner)))
def test_json_travels_in_a_form(message: object) -> None:
    form = urlencode({"json": json.dumps(message), "more": "1"})
    assert json.loads(form_json(form)) == message


@pytest.mark.parametrize("form", ["", "a=1", "json=1&json=2", "f=1&" * 50 + "json=1"])
def test_a_form_without_one_message_is_refused(form: str) -> None:
    with pytest.raises(Refused, match="one field json"):
        form_json(form)
