"""The model card of a release: what a person wrote, and everything else from the evidence.

Sections follow "Model Cards for Model Reporting" (Mitchell et al., 2019), the metadata block on top that of Hugging
Face (https://huggingface.co/docs/hub/model-cards), so that other tools read it. Nothing in it depends on when or where
it is made. The release's digest cannot stand in it, for the card is part of what the digest names.
"""

from __future__ import annotations

import re
from collections.abc import Iterator, Mapping
from dataclasses import dataclass
from typing import Any

import polars as pl
import yaml
from jinja2 import Environment, PackageLoader, StrictUndefined, Template

from slipway import project
from slipway.contracts import derivation
from slipway.contracts.signature import in_words
from slipway.features.tracing import trace
from slipway.files import read_json, read_yaml
from slipway.gates.policy import SECTIONS
from slipway.project import ModelPaths

# Our names of measures to Hugging Face's, and to what people read.
MEASURES = {
    "auc": ("roc_auc", "AUC (ROC)"),
    "average_precision": ("average_precision", "average precision"),
    "log_loss": ("log_loss", "log loss"),
    "brier": ("brier_score", "Brier score"),
}
_TASK = "tabular-classification"
_HEADING = re.compile(r"^## +(.+?) *$", re.MULTILINE)


@dataclass(frozen=True)
class _Window:
    """Rows of data: their months in order, their number, and the share whose label is 1."""

    periods: list[str]
    rows: int
    rate: float

    def __str__(self) -> str:
        return self.periods[0] if len(self.periods) == 1 else f"{self.periods[0]} to {self.periods[-1]}"


def sections(text: str) -> dict[str, str]:
    """Title to text of each section (``## Title``) of a card, in order; what comes before the first is left out."""
    parts = _HEADING.split(text)
    return {title: body.strip() for title, body in zip(parts[1::2], parts[2::2], strict=True)}


def generate(paths: ModelPaths, params: Mapping[str, Any]) -> str:
    """The card of the model of ``paths``, whose gates have judged it.

    Raises:
        EnvironmentFault: when a file of the pipeline is missing.
        KeyError: when card.md lacks a section; gate ``policy`` is red then.
    """
    statement = read_yaml(paths.home / "model.yaml")
    written = sections((paths.home / "card.md").read_text(encoding="utf-8"))
    metrics, source = read_json(paths.evaluation / "metrics.json"), read_json(paths.provenance)
    verdicts = read_json(paths.evidence)["verdicts"]
    label = project.module(paths.name, "contract").LABEL
    evaluation = _window(paths, "evaluation_rows.parquet", label)
    return _template().render(
        metadata=_metadata(paths.name, statement, metrics, source, evaluation),
        model=paths.name,
        said=statement,
        written={title: written[title] for title in SECTIONS},
        params=params,
        train=_window(paths, "train_rows.parquet", label),
        evaluation=evaluation,
        metrics=metrics,
        measures={name: title for name, (_, title) in MEASURES.items()},
        change=read_json(paths.challenge / "comparison.json"),
        source=source,
        verdicts=verdicts,
        features=_features(paths),
        fields=[(field, in_words(field)) for field in _request(paths)],
        limits=list(_limits(verdicts)),
    )


def _template() -> Template:
    environment = Environment(
        loader=PackageLoader("slipway.release"), undefined=StrictUndefined, trim_blocks=True, lstrip_blocks=True,
        keep_trailing_newline=True, autoescape=False,
    )  # fmt: skip
    filters: dict[str, Any] = {"cell": _cell, "percent": _percent, "interval": _interval, "natural": _natural}
    environment.filters.update(filters)
    return environment.get_template("card.md")


def _metadata(
    model: str, statement: Mapping[str, Any], metrics: Mapping[str, Any], source: Mapping[str, Any], judged: _Window
) -> str:
    """The metadata block; https://github.com/huggingface/hub-docs/blob/main/modelcard.md"""
    dataset = {"type": source["package"], "name": f"{source['package']} {source['version']}", "split": str(judged)}
    measured = [
        {"type": kind, "name": title, "value": metrics["overall"][name]["value"]}
        for name, (kind, title) in MEASURES.items()
    ]
    result = {"task": {"type": _TASK, "name": statement["title"]}, "dataset": dataset, "metrics": measured}
    block = {
        "license": statement["licence"].lower(),
        "library_name": "lightgbm",
        "pipeline_tag": _TASK,
        "tags": [_TASK, "lightgbm", "slipway"],
        "datasets": [source["package"]],
        "metrics": [kind for kind, _ in MEASURES.values()],
        "model-index": [{"name": model, "results": [result]}],
    }
    return yaml.safe_dump(block, sort_keys=False, allow_unicode=True).strip()


def _window(paths: ModelPaths, file: str, label: str) -> _Window:
    rows = pl.read_parquet(paths.features / file, columns=["period", label])
    return _Window(rows["period"].unique().sort().to_list(), rows.height, float(rows[label].cast(pl.Float64).mean()))  # type: ignore[arg-type]


def _request(paths: ModelPaths) -> list[Any]:
    return derivation.derive(project.module(paths.name, "contract").RAW)


def _features(paths: ModelPaths) -> list[tuple[str, list[str], float]]:
    """Name of each feature, the request fields that it comes from, and its share of the gain; the strongest first."""
    features, order = project.module(paths.name, "features"), [field.name for field in _request(paths)]
    traced = trace(features.transform, read_json(paths.features / "state.json"), dict.fromkeys(order))
    shares = read_json(paths.evaluation / "importance.json")
    found = [
        (name, sorted(value.fields, key=order.index), shares[name])
        for name, value in zip(features.NAMES, traced, strict=True)
    ]
    return sorted(found, key=lambda entry: (-entry[2], entry[0]))


def _limits(verdicts: Mapping[str, Any]) -> Iterator[str]:
    """What the gates measured that a user of the model should know, although they are green."""
    if small := verdicts["slices"]["figures"]["too_small"]:
        limit = verdicts["slices"]["thresholds"]["min_rows"]
        yield f"Groups of fewer than {limit} rows were not judged by themselves: {', '.join(small)}."
    bias = verdicts["calibration"]["figures"]["bias"]
    yield f"Scores are on average {abs(bias):.4f} {'higher' if bias > 0 else 'lower'} than the observed rate."
    for kind, power in sorted(verdicts["drift"]["figures"]["power"].items()):
        if power["missed"]:
            need = "" if power["required"] else ", which the gate does not ask for"
            yield (
                f"Drift: of {power['injected']} shifts of the kind {kind!r}, {power['noticed']} are noticed{need}; "
                f"missed: {', '.join(power['missed'])}."
            )
    gain = verdicts["challenger"]["figures"].get("gain")
    if gain and gain["low"] <= 0 <= gain["high"]:
        yield "It does not differ significantly from the champion that it was compared with."


def _percent(share: float) -> str:
    return f"{share:.1%}"


def _natural(groups: list[dict[str, Any]]) -> list[dict[str, Any]]:
    """Groups in the order of their names, numbers by their size."""
    return sorted(groups, key=lambda entry: entry["group"].zfill(9) if entry["group"].isdigit() else entry["group"])


def _interval(estimate: Mapping[str, float]) -> str:
    return f"{estimate['value']:.4f} [{estimate['low']:.4f}, {estimate['high']:.4f}]"


def _cell(value: object) -> str:
    """Text that stays within one cell of a table."""
    return " ".join(str(value).replace("|", "\\|").split())
