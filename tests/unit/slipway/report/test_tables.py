from __future__ import annotations

from typing import Any

import pytest

from slipway.report.tables import Table, flattened, natural, number, tables


def test_plain_entries_come_first_and_each_block_has_a_table_of_its_own() -> None:
    found = tables({"deep": {"inner": {"a": 1}, "b": 2}, "rows": 3, "seen": [1, 2]}, "figures")
    assert found == [
        Table("figures", ["figure", "value"], [["rows", 3], ["seen", [1, 2]]]),
        Table("figures · deep", ["figure", "value"], [["b", 2]]),
        Table("figures · deep · inner", ["figure", "value"], [["a", 1]]),
    ]


def test_blocks_of_one_kind_share_a_table() -> None:
    found = tables({"constant": {"low": 1, "high": 2}, "logistic": {"high": 4, "value": 3}})
    assert found == [Table("", ["name", "low", "high", "value"], [["constant", 1, 2, None], ["logistic", None, 4, 3]])]


def test_a_list_of_blocks_begins_with_its_names() -> None:
    found = tables({"slices": [{"rows": 5, "slice": "a"}, {"rows": 6, "slice": "b"}]})
    assert found == [Table("slices", ["slice", "rows"], [["a", 5], ["b", 6]])]


def test_lists_of_lists_and_empty_blocks_are_shown() -> None:
    assert tables({"pairs": [[1, 2], [3, 4]]}) == [Table("pairs", ["value"], [[[1, 2]], [[3, 4]]])]
    assert tables({"none": {}, "empty": []}) == [Table("", ["figure", "value"], [["none", {}], ["empty", []]])]
    assert tables({}) == []


def test_flattened_keys_are_dotted() -> None:
    assert flattened({"a": {"b": {"c": 1}, "d": [2]}, "e": {}}) == [("a.b.c", 1), ("a.d", [2]), ("e", {})]


@pytest.mark.parametrize(
    ("value", "shown"),
    [
        (None, "–"),
        ([], "–"),
        (True, "yes"),
        (False, "no"),
        (0, "0"),
        (336776, "336,776"),
        (42622.4, "42,622"),
        (0.0, "0"),
        (0.230769, "0.2308"),
        (-0.003, "-0.003"),
        (0.0000123, "1.2e-05"),
        ("text", "text"),
        ([1, 0.5, "a"], "1, 0.5, a"),
    ],
)
def test_numbers_are_for_people(value: Any, shown: str) -> None:
    assert number(value) == shown


def test_natural_order_counts() -> None:
    assert sorted(["10", "9", "2013-10", "a10", "a9", "", "B"], key=natural) == [
        "",
        "9",
        "10",
        "2013-10",
        "B",
        "a9",
        "a10",
    ]
