"""Where things stand in the monorepo, and the modules of a model.

Everything about one model stands under ``models/<model>/``; this module is the only one that turns a
model's name into its folder and its Python modules.
"""

from __future__ import annotations

import importlib
import os
import sys
from dataclasses import dataclass
from pathlib import Path
from types import ModuleType

from slipway.errors import UsageError


def _is_root(folder: Path) -> bool:
    """Whether ``folder`` is a monorepo's top folder."""
    return (folder / "params.yaml").is_file() and (folder / "models").is_dir()


def enclosing(folder: Path) -> Path | None:
    """The top folder of the monorepo that ``folder``, an absolute path, is or lies in; None if it lies in none."""
    return next((above for above in (folder, *folder.parents) if _is_root(above)), None)


def root() -> Path:
    """The monorepo's top folder: the nearest one upwards that holds params.yaml and models/."""
    here = Path.cwd()
    found = enclosing(here)
    if found is not None:
        return found
    raise UsageError(
        f"{here} is not inside a Slipway monorepo (no params.yaml beside a models/ folder).",
        "Change to your clone's folder and run the command again.",
    )


@dataclass(frozen=True)
class ModelPaths:
    """Each file and folder that the pipeline of one model reads or writes, relative to the top folder."""

    name: str

    @property
    def home(self) -> Path:
        return Path("models") / self.name

    @property
    def data(self) -> Path:
        return Path("data") / self.name

    @property
    def ingested(self) -> Path:
        return self.data / "ingested"

    @property
    def provenance(self) -> Path:
        return self.data / "provenance.json"

    @property
    def validated(self) -> Path:
        return self.data / "validated"

    @property
    def quarantine(self) -> Path:
        return self.data / "quarantine.parquet"

    @property
    def features(self) -> Path:
        return self.data / "features"

    @property
    def artifacts(self) -> Path:
        return Path("artifacts") / self.name

    @property
    def drift(self) -> Path:
        return self.artifacts / "drift"

    @property
    def trained(self) -> Path:
        return self.artifacts / "model"

    @property
    def evaluation(self) -> Path:
        return self.artifacts / "evaluation"

    @property
    def challenge(self) -> Path:
        return self.artifacts / "challenge"

    @property
    def study(self) -> Path:
        return self.artifacts / "study"

    @property
    def observed(self) -> Path:
        return self.artifacts / "observed.json"

    @property
    def evidence(self) -> Path:
        return self.artifacts / "evidence.json"

    @property
    def sbom(self) -> Path:
        return self.artifacts / "sbom.json"

    @property
    def releases(self) -> Path:
        return Path("releases") / self.name

    @property
    def signatures(self) -> Path:
        return Path("signatures") / self.name

    @property
    def champion_record(self) -> Path:
        return Path("gitops/envs/production") / self.name / "release.yaml"

    @property
    def champion(self) -> Path:
        return self.home / "champion"

    def verdict(self, gate: str) -> Path:
        """The file in which a stage leaves the verdict of ``gate``."""
        return self.artifacts / "verdicts" / f"{gate}.json"


def model_names() -> list[str]:
    """Names of all models: the folders below models/ that are Python packages."""
    return sorted(path.parent.name for path in (root() / "models").glob("*/__init__.py"))


def paths(model: str) -> ModelPaths:
    """The paths of ``model``; an unknown name is a UsageError that lists the known ones."""
    if model not in model_names():
        raise UsageError(
            f"There is no model {model!r}: models/{model}/__init__.py does not exist.",
            f"Known models: {', '.join(model_names()) or 'none'}.",
        )
    return ModelPaths(model)


def module(model: str, name: str) -> ModuleType:
    """Import ``models/<model>/<name>.py``; a model that lacks it is a UsageError that names the file."""
    file = root() / paths(model).home / f"{name}.py"
    if not file.is_file():
        raise UsageError(
            f"Model {model!r} has no {name}.py.",
            f"Write {file.relative_to(root())}; models/flight_delay/{name}.py shows what it must hold.",
        )
    if str(root()) not in sys.path:
        sys.path.insert(0, str(root()))
    return importlib.import_module(f"models.{model}.{name}")


def enter() -> None:
    """Change to the monorepo's top folder, which all paths of this module are relative to."""
    os.chdir(root())
