"""From the root of a tree to the leaf that a row reaches."""

from __future__ import annotations

import math
from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from typing import Any

from slipway.features.tracing import Traced

_LISTED = 6
# LightGBM takes what is nearer to zero than this for zero.
_ZERO = 1e-35


@dataclass(frozen=True)
class Path:
    """What one tree does with a row.

    Attributes:
        tree: its number, from 0.
        leaf: the index of the leaf.
        output: what the leaf adds to the raw score.
        moved: the same, less what the tree gives on average.
        conditions: those that hold on the way.
    """

    tree: int
    leaf: int
    output: float
    moved: float
    conditions: list[str]


def average(tree: Mapping[str, Any]) -> float:
    """What a tree gives on average of the rows that it was fitted on, as LightGBM keeps it at the root."""
    root = tree["tree_structure"]
    return float(root["internal_value"] if "internal_value" in root else root["leaf_value"])


def walk(tree: Mapping[str, Any], names: Sequence[str], row: Sequence[Traced]) -> tuple[int, list[str]]:
    """The leaf's index and the conditions that hold on the way to it.

    Args:
        tree: an entry of ``tree_info`` of LightGBM's dump.
        names: of the features.
        row: their values, of shape (features,).
    """
    node, conditions = tree["tree_structure"], []
    while "split_feature" in node:
        place = node["split_feature"]
        left = _goes_left(node, float(row[place].value))
        conditions.append(_condition(node, names[place], row[place], left))
        node = node["left_child" if left else "right_child"]
    return int(node.get("leaf_index", 0)), conditions


def _goes_left(node: Mapping[str, Any], value: float) -> bool:
    """https://lightgbm.readthedocs.io/en/stable/Advanced-Topics.html#missing-value-handle"""
    if node["decision_type"] == "==":
        return not math.isnan(value) and int(value) in _categories(node)
    missing = node["missing_type"]
    if math.isnan(value) and missing != "NaN":
        value = 0.0
    if (missing == "NaN" and math.isnan(value)) or (missing == "Zero" and abs(value) <= _ZERO):
        return bool(node["default_left"])
    return value <= float(node["threshold"])


def _condition(node: Mapping[str, Any], name: str, value: Traced, left: bool) -> str:
    if node["decision_type"] == "==":
        labels = {number: label for label, number in (value.vocabulary or {}).items()}
        told = [str(labels.get(number, number)) for number in sorted(_categories(node))]
        more = f" and {len(told) - _LISTED} more" if len(told) > _LISTED else ""
        return f"{name} {'in' if left else 'not in'} {{{', '.join(told[:_LISTED])}{more}}}"
    if math.isnan(float(value.value)):
        return f"{name} missing"
    return f"{name} {'≤' if left else '>'} {float(node['threshold']):.6g}"


def _categories(node: Mapping[str, Any]) -> set[int]:
    return {int(number) for number in str(node["threshold"]).split("||")}
