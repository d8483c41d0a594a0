"""Let the champion score the same rows, so that the two can be compared pair by pair."""

from __future__ import annotations

import polars as pl

from slipway import configuration, project, stage
from slipway.evaluation.metrics import sample
from slipway.evaluation.resampling import Resampling, difference
from slipway.evaluation.rows import judged_rows
from slipway.files import replacing, sha256_file, write_json
from slipway.gates.verdict import rounded
from slipway.progress import console, step
from slipway.release.champion import load_champion


def challenge(model: str) -> None:
    """Write artifacts/MODEL/challenge/: the champion's scores and the differences in every measure."""
    plan = Resampling(**configuration.load(model).evaluate.model_dump())
    paths, contract = project.paths(model), project.module(model, "contract")
    scores = pl.read_parquet(paths.evaluation / "scores.parquet")
    scored = sha256_file(paths.evaluation / "scores.parquet")
    reigning = load_champion(paths)
    with replacing(paths.challenge) as folder:
        folder.mkdir()
        if reigning is None:
            console.print("  no champion is recorded: this is the first release")
            write_json(folder / "comparison.json", {"champion": None, "scores": scored})
            return
        with step(f"scoring {scores.height} rows with champion {reigning.digest[:12]}"):
            raw = judged_rows(paths, contract, scores)
            score = reigning.score_table(raw)
            pl.DataFrame({"score": score}).write_parquet(folder / "scores.parquet")
        with step("comparing on the same resamples"):
            data = sample(scores[contract.LABEL].to_numpy(), scores["day"].to_numpy())
            found = difference(data, score, scores["score"].to_numpy(), plan)
        differences = {name: entry.as_dict() for name, entry in found.items()}
        facts = {"champion": reigning.digest, "scores": scored, "rows": len(score)}
        write_json(folder / "comparison.json", rounded(facts | differences))


if __name__ == "__main__":
    stage.run(challenge)
