"""True labels and rewards, joined to the answers that they are about: late, twice, contradicting, or of ids that
nobody knows.
"""

from __future__ import annotations

import hashlib
from pathlib import Path
from typing import NamedTuple

import polars as pl

from slipway.files import replacing
from slipway.request_log.partitions import Store, partitions, scan_partition
from slipway.request_log.reading import DeadLetter

LABELLED = "labelled"
FILE = "labelled.parquet"
# In the metadata of a written file: the digest of what was joined.
JOINED = "slipway.joined"


class Judged(NamedTuple):
    """Feedback of one model, weighed.

    Attributes:
        valid: one row for each (id, rows): the latest feedback, with its time, event, truth and reward. Feedback
            without labels has 0 rows and is a reward for every answer with its id.
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
    pairs = pl.concat([asked, asked.select("id", rows=pl.lit(0, pl.Int64)).unique()])
    fitting = known.join(pairs, on=["id", "rows"], how="semi").sort("time", "event")
    refused = known.join(pairs, on=["id", "rows"], how="anti").sort("time", "event")
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


def match(answers: pl.LazyFrame, valid: pl.DataFrame) -> pl.DataFrame:
    """What is known of which rows of ``answers``: event, row, truth, truth_time, truth_event and the same of reward.

    Rows of which neither is known are left out. Of a reward that came with the labels and one that came alone, the
    later counts. Where a client used an id twice, both answers get the label.
    """
    labels = valid.filter(pl.col("rows") > 0).select(
        "id", "rows", "truth", "reward", truth_time="time", truth_event="event"
    )
    rewards = valid.filter(pl.col("rows") == 0).select("id", alone="reward", alone_time="time", alone_event="event")
    asked = answers.select("id", "rows", "event", "row").join(valid.lazy().select("id"), on="id", how="semi")
    joined = asked.join(labels.lazy(), on=["id", "rows"], how="left").join(rewards.lazy(), on="id", how="left")
    truth = pl.col("truth").list.get(pl.col("row"), null_on_oob=True)
    at_once = pl.col("alone_time") == pl.col("truth_time")
    is_later = (pl.col("alone_time") > pl.col("truth_time")) | (
        at_once & (pl.col("alone_event") > pl.col("truth_event"))
    )
    alone = pl.col("alone").is_not_null() & (pl.col("reward").is_null() | is_later)

    def either(one: str, other: str) -> pl.Expr:
        return pl.when(alone).then(one).otherwise(pl.when(pl.col("reward").is_not_null()).then(other))

    found = joined.select(
        "event", "row",
        truth,
        *(pl.when(truth.is_not_null()).then(name).alias(name) for name in ("truth_time", "truth_event")),
        either("alone", "reward").alias("reward"),
        either("alone_time", "truth_time").alias("reward_time"),
        either("alone_event", "truth_event").alias("reward_event"),
    )  # fmt: skip
    known = pl.col("truth").is_not_null() | pl.col("reward").is_not_null()
    return found.filter(known).unique(["event", "row"]).sort("event", "row").collect()


def attach(answers: pl.LazyFrame, matched: pl.DataFrame) -> pl.DataFrame:
    """The rows of ``answers`` of which something is known, ordered by time, with what :func:`match` found."""
    joined = answers.join(matched.lazy(), on=["event", "row"], how="inner")
    return joined.sort("time", "event", "row").collect()


def join(answers: pl.LazyFrame, feedback: pl.DataFrame) -> tuple[pl.DataFrame, Judged]:
    """Answers of one model with their true labels and rewards, and how its feedback was weighed."""
    judged = judge(answers, feedback)
    return attach(answers, match(answers, judged.valid)), judged


def label(store: Store) -> dict[str, int]:
    """Write ``labelled/model=…/release=…/day=<of the answer>/labelled.parquet``, from all that was collected.

    Of every partition only the ids are read; a file is made anew only where what is joined has changed. The same
    answers and feedback give the same bytes. Refused feedback becomes dead letters.

    Returns:
        The sums of :attr:`Judged.counts` over all models; ``labelled``: rows with a label; ``rewarded``: rows with a
        reward; ``written``: files that were made anew.
    """
    total = {"labelled": 0, "rewarded": 0, "written": 0}
    given = partitions(store.folder, "feedback")
    for model in sorted({place.model for place, _ in given}):
        asked = [path for place, path in partitions(store.folder, "answers") if place.model == model]
        feedback = pl.concat([scan_partition(path).collect() for place, path in given if place.model == model])
        narrow = [scan_partition(path).select("id", "rows") for path in asked]
        judged = judge(pl.concat(narrow) if narrow else _NO_ANSWERS, feedback)
        store.bury(_letters(judged.refused))
        for path in asked:
            matched = match(scan_partition(path), judged.valid)
            total["labelled"] += matched.height - matched["truth"].null_count()
            total["rewarded"] += matched.height - matched["reward"].null_count()
            target = store.folder / LABELLED / path.relative_to(store.folder / "answers") / FILE
            total["written"] += _write(path, matched, target)
        for name, count in judged.counts.items():
            total[name] = total.get(name, 0) + count
    return total


_NO_ANSWERS = pl.LazyFrame(schema={"id": pl.String, "rows": pl.Int64})


def _write(path: Path, matched: pl.DataFrame, target: Path) -> bool:
    """Write the labelled rows of a partition, unless the file there was made of the very same; whether it did."""
    exists = target.exists()
    if not exists and not matched.height:
        return False
    joined = hashlib.sha256(matched.write_csv().encode()).hexdigest()
    if exists and pl.read_parquet_metadata(target).get(JOINED) == joined:
        return False
    rows = attach(scan_partition(path), matched)
    with replacing(target) as staged:
        rows.write_parquet(staged, compression="zstd", metadata={JOINED: joined})
    return True


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
