"""Hold the newest weeks against history; runs in environments/drift, where alibi-detect lives."""

from __future__ import annotations

from dataclasses import asdict, dataclass
from pathlib import Path
from typing import Annotated, Any

from annotated_types import Ge

from slipway import project, stage
from slipway.drift.calibration import wilson
from slipway.drift.detector import Detector
from slipway.drift.reading import Reading
from slipway.drift.settings import Settings
from slipway.drift.settings import read as parameters
from slipway.drift.watch import watch
from slipway.errors import UsageError
from slipway.evidence.conclude import conclude
from slipway.files import read_yaml, replacing, sha256_folder, write_json
from slipway.gates import drift
from slipway.gates.verdict import rounded
from slipway.progress import console, step
from slipway.split import partitions, read, split

_PARAMS = Path("params.yaml")


@dataclass(frozen=True)
class Periods:
    """params.yaml, ``split``; see :func:`slipway.split.split`."""

    train_through: Annotated[str, "a month"]
    evaluate_months: Annotated[int, Ge(1)]


def check_drift(model: str) -> None:
    """Write artifacts/MODEL/drift/ (reading.json, reference.parquet) and the verdict of gate drift."""
    paths = project.paths(model)
    settings = parameters(Settings, _param("models", model, "check_drift"), f"models.{model}.check_drift")
    thresholds = parameters(drift.Thresholds, _param("models", model, "gates", "drift"), f"models.{model}.gates.drift")
    periods = asdict(parameters(Periods, _param("models", model, "split"), f"models.{model}.split"))
    watched = watch(project.module(model, "drift_view"))
    months = partitions(paths.validated)
    split(months, **periods)  # refuses a month that does not exist
    history, train_through = read(paths.validated, months), periods["train_through"]
    with step(f"calibrating on the weeks up to {train_through}"):
        detector = Detector(history, watched, settings, train_through)
    with step("injecting shifts"):
        reading = detector.reading()
    with replacing(paths.drift) as folder:
        folder.mkdir()
        write_json(folder / "reading.json", rounded(reading.as_json()))
        detector.sample(train_through).write_parquet(folder / "reference.parquet", compression="zstd")
    _tell(reading)
    conclude([drift.judge(reading, thresholds)], {"validated": sha256_folder(paths.validated)}, paths)


def _param(*path: str) -> Any:
    # By hand, for slipway.configuration needs pydantic 2, which alibi-detect forbids here.
    value = read_yaml(_PARAMS)
    for number, key in enumerate(path, start=1):
        if not isinstance(value, dict) or key not in value:
            name = ".".join(path[:number])
            raise UsageError(f"{_PARAMS} lacks {name}.", "Add it; models.flight_delay shows what it must hold.")
        value = value[key]
    return value


def _tell(reading: Reading) -> None:
    null = [week for week in reading.weeks if week.role != "judged"]
    alarms = sum(bool(week.drifted()) for week in null)
    console.print(f"  false alarms {_share(alarms, len(null))}, over weeks out of calibration")
    for power in reading.power:
        shown = "" if power.required else " (shown, not required)"
        console.print(f"  power {_share(power.noticed, power.injected)}, {power.kind}{shown}")


def _share(hits: int, trials: int) -> str:
    low, high = wilson(hits, trials)
    return f"{hits} of {trials} = {hits / max(trials, 1):.1%} (95 % interval {low:.1%} to {high:.1%})"


if __name__ == "__main__":
    stage.run(check_drift)
