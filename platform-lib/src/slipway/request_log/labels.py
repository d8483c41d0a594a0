"""True labels, joined to the answers that they are about: late, twice, contradicting, or of ids that nobody knows."""

from __future__ import annotations

from typing import NamedTuple

import polars as pl

from slipway.files import replacing
from slipway.request_log.partitions import Store, partitions, scan_partition
from slipway.request_log.reading import DeadLetter

LABELLED = "labelled"


class Judged(NamedTuple):
    """Feedback of one model, weighed.

    Attributes:
        valid: one row for each (id, rows): the latest feedback, with its time, event, truth and reward.
        refused: feedback whose number of labels is that of no answer with its id.
        counts: ``feedback`` in all; ``repeated``: the same content again; ``overruled``: other content, replaced by
            later feedback; ``unknown``: of ids without an answer so far; ``refused``.
    """

    valid: pl.DataFrame
    refused: pl.DataFrame
    counts: dict[str, int]


def judge(answers: pl.LazyFrame, feedback: pl.DataFrame) -> Judged:
    """Weigh the feedback of one model against its answers.

    The latest by time wins (of equal times the greater event id), whenever it was collected.
    """
    given = feedback.with_columns(rows=pl.col("truth").list.len().cast(pl.Int64)).unique("event")
    asked = answers.select("id", "rows").join(given.lazy().select("id"), on="id", how="semi").unique().collect()
    known = given.join(asked, on="id", how="semi")
    fitting = known.join(asked, on=["id", "rows"], how="semi").sort("time", "event")
    refused = known.join(asked, on=["id", "rows"], how="anti").sort("time", "event")
    valid = fitting.unique(["id", "rows"], keep="last", maintain_order=True)
    # Floats are compared as text, so that missing labels equal each other.
    content = pl.struct("id", "rows", pl.col("truth").cast(pl.List(pl.String)), pl.col("reward").cast(pl.String))
    contents = fitting.select(content.n_unique()).item() if fitting.height else 0
    counts = {
        "feedback": given.height,
        "repeated": fitting.height - contents,
        "overruled": contents - valid.height,
        "unknown": given.height - known.height,
        "refused": refused.height,
    }
    return Judged(valid, refused, counts)


def attach(answers: pl.LazyFrame, valid: pl.DataFrame) -> pl.DataFrame:
    """The labelled ones of ``answers``, ordered by time, with ``truth``, ``reward``, ``truth_time``, ``truth_event``.

    A row whose label is null is not labelled. Where a client used an id twice, both answers get the label.
    """
    labels = valid.select("id", "rows", "truth", "reward", truth_time="time", truth_event="event")
    joined = answers.join(labels.lazy(), on=["id", "rows"], how="inner")
    truth = pl.col("truth").list.get(pl.col("row"), null_on_oob=True)
    return joined.with_columns(truth).filter(pl.col("truth").is_not_null()).sort("time", "event", "row").collect()


def join(answers: pl.LazyFrame, feedback: pl.DataFrame) -> tuple[pl.DataFrame, Judged]:
    """Answers of one model with their true labels, and how its feedback was weighed."""
    judged = judge(answers, feedback)
    return attach(answers, judged.valid), judged


def label(store: Store) -> dict[str, int]:
    """Write ``labelled/model=…/release=…/day=<of the answer>/labelled.parquet`` anew, from all that was collected.

    The same answers and feedback give the same bytes. Refused feedback becomes dead letters.

    Returns:
        The sums of :attr:`Judged.counts` over all models, and ``labelled``: rows with a label.
    """
    total: dict[str, int] = {"labelled": 0}
    given = partitions(store.folder, "feedback")
    for model in sorted({place.model for place, _ in given}):
        asked = [(place, path) for place, path in partitions(store.folder, "answers") if place.model == model]
        feedback = pl.concat([scan_partition(path).collect() for place, path in given if place.model == model])
        narrow = [scan_partition(path).select("id", "rows") for _, path in asked]
        judged = judge(pl.concat(narrow) if narrow else _NO_ANSWERS, feedback)
        store.bury(_letters(judged.refused))
        for _, path in asked:
            rows = attach(scan_partition(path), judged.valid)
            total["labelled"] += rows.height
            target = store.folder / LABELLED / path.relative_to(store.folder / "answers") / "labelled.parquet"
            if rows.height or target.exists():
                with replacing(target) as staged:
                    rows.write_parquet(staged, compression="zstd")
        for name, count in judged.counts.items():
            total[name] = total.get(name, 0) + count
    return total


_NO_ANSWERS = pl.LazyFrame(schema={"id": pl.String, "rows": pl.Int64})


def _letters(refused: pl.DataFrame) -> list[DeadLetter]:
    return [
        DeadLetter(
            f"labels-{row['event']}",
            None,
            f"feedback for {row['id']!r} has {row['rows']} labels, and no answer with that id has as many rows",
            repr(row["truth"]).encode(),
        )
        for row in refused.iter_rows(named=True)
    ]
