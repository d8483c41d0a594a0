"""What one environment serves of one model: record, settings, roll-out and key ring, and the names that follow."""

from __future__ import annotations

import re
from collections.abc import Mapping
from dataclasses import dataclass
from functools import cached_property
from pathlib import Path
from typing import Any

from slipway.errors import UsageError
from slipway.release import keyring
from slipway.release.record import Published, Record
from slipway.rendering.canary import Canary
from slipway.rendering.settings import Settings

# In the order in which a release goes through them.
ENVIRONMENTS = ("staging", "production")
RECORD_FILE = "release.yaml"
ENVS, RENDERED, KEYS = Path("gitops/envs"), Path("gitops/rendered"), Path("gitops/keys")

HTTP_PORT, GRPC_PORT, METRICS_PORT = 9000, 9500, 6000
CONTAINER = "server"
RELEASE_KEY = "slipway.release"
MODEL_KEY = "slipway.model"
# Where the image holds the release; its signature and statements stand beside it.
IMAGE_FOLDER = "/release"

_RELEASE_DIGITS, _IMAGE_DIGITS, _LABEL_DIGITS = 8, 6, 12
_NAME = re.compile(r"[a-z]([-a-z0-9]*[a-z0-9])?")
# So that the name of a Deployment, <name>-<8 digits>-<6 digits>-0-server, has at most 63 characters.
_LONGEST_NAME = 63 - len(f"-{'0' * _RELEASE_DIGITS}-{'0' * _IMAGE_DIGITS}-0-{CONTAINER}")


@dataclass(frozen=True)
class Predictor:
    """A release in its image as it runs: a predictor of the SeldonDeployment, with its own Deployment and Service.

    Attributes:
        name: see :func:`predictor_name`.
        release: its digest.
        image: the whole reference, by digest.
        weight: percent of the traffic.
        service: the name of its Service, and the value of the label ``seldon-app`` of its pods.
    """

    name: str
    release: str
    image: str
    weight: int
    service: str

    @property
    def label(self) -> str:
        """The value of the label ``slipway.release``, which has no room for the whole digest."""
        return self.release[:_LABEL_DIGITS]

    @property
    def deployment(self) -> str:
        """What the operator calls its Deployment."""
        return deployment_name(self.service)


@dataclass(frozen=True)
class Served:
    """One model in one environment.

    Attributes:
        environment: the namespace, too.
        model: its name in the monorepo.
        record, settings, canary: what release.yaml, settings.yaml and canary.yaml say.
        keys: the content of the key ring's files by name; empty if nobody's signature is asked for.
    """

    environment: str
    model: str
    record: Record
    settings: Settings
    canary: Canary
    keys: Mapping[str, str]

    @property
    def name(self) -> str:
        """What its objects are called."""
        return resource_name(self.model)

    @cached_property
    def predictors(self) -> tuple[Predictor, ...]:
        """The champion, and the challenger if there is one; none if nothing is published.

        Raises:
            UsageError: when both would have one name, so that one would take the other's place without a roll-out.
        """
        champion, challenger = self.record.champion, self.record.challenger
        if champion is None or champion.image is None:
            return ()
        if challenger is None:
            return (self._predictor(champion, 100),)
        both = self._predictor(champion, 100 - challenger.weight), self._predictor(challenger, challenger.weight)
        if both[0].name == both[1].name:
            raise UsageError(
                f"Champion and challenger of {self.model} in {self.environment} would both be called {both[0].name}.",
                "By chance that hardly ever happens: see who made these images. Publish the release in another one.",
            )
        return both

    @property
    def shadow(self) -> Predictor | None:
        """The challenger while it only gets copies of requests."""
        challenger = self.record.challenger
        if self.canary.shadow is None or challenger is None or challenger.weight > 0:
            return None
        return self._predictor(challenger, 0)

    def _predictor(self, published: Published, weight: int) -> Predictor:
        image = f"{self.settings.registry}/{repository(self.model)}@{published.image}"
        name, service = predictor_name(published), service_name(self.model, published)
        return Predictor(name, published.release, image, weight, service)

    def metadata(self, name: str | None = None) -> dict[str, Any]:
        """The metadata of an object, by default one that is called as the model is."""
        labels = {"app.kubernetes.io/part-of": "slipway", MODEL_KEY: self.model}
        return {"name": name or self.name, "namespace": self.environment, "labels": labels}


def resource_name(model: str) -> str:
    """The name of a model's objects in Kubernetes and of its image: with dashes, as flight-delay.

    Raises:
        UsageError: when the model's name makes none.
    """
    name = model.lower().replace("_", "-")
    if not _NAME.fullmatch(name) or len(name) > _LONGEST_NAME:
        raise UsageError(
            f"Model {model!r} cannot be deployed: {name!r} is no name for Kubernetes.",
            f"Such a name begins with a letter, ends in a letter or digit and has at most {_LONGEST_NAME} characters.",
        )
    return name


def predictor_name(published: Published) -> str:
    """The name of a published release's predictor: eight digits of the release, a dash, six of its image.

    Both, so that another image of a release is another predictor, which rolls out beside the champion and not over it.
    People find the release by the eight digits, which ``--release`` takes, too; a hash of both digests would tell them
    nothing. Six are enough to tell the few images of a release apart: where somebody has made two that begin alike,
    :attr:`Served.predictors` refuses them.
    """
    return f"{published.release[:_RELEASE_DIGITS]}-{image_digits(str(published.image))[:_IMAGE_DIGITS]}"


def image_digits(image: str) -> str:
    """An image as people call it: the first twelve digits of its digest, without the name of the hash."""
    return image.removeprefix("sha256:")[:_LABEL_DIGITS]


def service_name(model: str, published: Published) -> str:
    """The name of the Service of a published release."""
    return f"{resource_name(model)}-{predictor_name(published)}"


def deployment_name(service: str) -> str:
    """What the operator calls the Deployment behind a release's Service."""
    return f"{service}-0-{CONTAINER}"


def repository(model: str) -> str:
    """The repository of a model's images in a registry."""
    return f"models/{resource_name(model)}"


def models(environment: str, top: Path = Path()) -> list[str]:
    """The models that ``environment`` has a folder of."""
    return sorted(folder.name for folder in (top / ENVS / environment).glob("*") if folder.is_dir())


def folder(environment: str, model: str) -> Path:
    """Where release.yaml, settings.yaml and canary.yaml of a model stand, relative to the top folder."""
    return ENVS / environment / model


def freeze(environment: str) -> Path:
    """Where it stands when nothing may be promoted into an environment, relative to the top folder."""
    return ENVS / environment / "freeze.yaml"


def check_environment(environment: str) -> None:
    """Refuse an environment that there is none of.

    Raises:
        UsageError: naming those that there are.
    """
    if environment not in ENVIRONMENTS:
        raise UsageError(f"There is no environment {environment!r}.", f"There are {', '.join(ENVIRONMENTS)}.")


def read(environment: str, model: str, top: Path = Path()) -> Served:
    """Read what ``environment`` serves of ``model``, below the monorepo's top folder ``top``.

    Raises:
        UsageError: when there is no such environment or model, or a file is not what it must be.
    """
    check_environment(environment)
    home = top / folder(environment, model)
    if not home.is_dir():
        raise UsageError(
            f"{environment} has no model {model!r}: {folder(environment, model)} does not exist.",
            f"It has {', '.join(models(environment, top)) or 'none'}; docs/guides/add-a-model.md says how to add one.",
        )
    record, settings = Record.read(home / RECORD_FILE), Settings.read(home / "settings.yaml")
    return Served(environment, model, record, settings, Canary.read(home / "canary.yaml"), _keys(top / KEYS))


def _keys(ring: Path) -> dict[str, str]:
    keys = keyring.load(ring)
    if not keys:
        return {}
    files = [ring / keyring.LISTING, *(key.file for key in keys)]
    return {file.name: file.read_text(encoding="ascii") for file in files}
