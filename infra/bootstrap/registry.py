"""The images of the platform as resources: built if need be, pushed once, and known by digest."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from typing import Any

import pulumi
from pulumi.dynamic import CreateResult, DiffResult, ReadResult, Resource, ResourceProvider, UpdateResult

from infra.builds import BuiltImage, images, push
from infra.builds.catalogue import catalogue
from infra.builds.containers import entry
from infra.builds.progress import Progress
from infra.builds.registry import Client
from infra.clusters.capabilities import RegistryAddress
from infra.commands import run, say

_LAYER = "base"
"""The image that others are laid on, and nothing runs by itself."""
_LOCAL = "http://"


def wanted(mirrors_upstream: bool) -> list[str]:
    """The names of the images to push: ours, and third parties' where the cluster cannot pull them from upstream."""
    found = [image for image in catalogue().images.values() if image.name != _LAYER]
    return [image.name for image in found if image.ours or mirrors_upstream]


class ImageProvider(ResourceProvider):
    """Builds and pushes one image. What is in a registry stays there: others may run it."""

    def create(self, props: Mapping[str, Any]) -> CreateResult:
        """Push it, and tell the digest."""
        return CreateResult(props["image"], _pushed(props))

    def diff(self, _id: str, olds: Mapping[str, Any], news: Mapping[str, Any]) -> DiffResult:
        """What it is made of, or where it is pushed to, has changed."""
        return DiffResult(changes=any(olds[name] != news[name] for name in ("key", "push_url")))

    def update(self, _id: str, _olds: Mapping[str, Any], news: Mapping[str, Any]) -> UpdateResult:
        """Push what is built now."""
        return UpdateResult(_pushed(news))

    def read(self, id_: str, props: Mapping[str, Any]) -> ReadResult:
        """Whether the local registry still has it. A remote one is not asked: that would need its credentials."""
        image = catalogue().named(props["image"])
        url = props["push_url"]
        lost = url.startswith(_LOCAL) and Client(url).digest_of(image.path, image.tag) != props["digest"]
        return ReadResult("" if lost else id_, {} if lost else dict(props))


class Image(Resource):
    """One image in the platform's registry."""

    digest: pulumi.Output[str]
    """`sha256:` and 64 hexadecimal digits."""

    def __init__(self, name: str, push_url: pulumi.Input[str], opts: pulumi.ResourceOptions | None = None) -> None:
        key = entry(catalogue().named(name)).key
        props = {"image": name, "key": key, "push_url": push_url, "digest": None}
        super().__init__(ImageProvider(), f"image-{name}", props, opts)


@dataclass(frozen=True)
class RegistryArgs:
    """Which images go where."""

    address: RegistryAddress
    names: Sequence[str]


class Registry(pulumi.ComponentResource):
    """The platform's images, each pinned by its digest."""

    def __init__(self, name: str, args: RegistryArgs, opts: pulumi.ResourceOptions | None = None) -> None:
        super().__init__("slipway:bootstrap:Registry", name, None, opts)
        child = pulumi.ResourceOptions(parent=self)
        self._prefix = args.address.pull_prefix
        self.images = {image: Image(image, args.address.push_url, child) for image in args.names}
        self.register_outputs({})

    def reference(self, name: str) -> pulumi.Output[str]:
        """How manifests name one of our images: `<prefix>/<name>@sha256:...`."""
        path = catalogue().named(name).path
        return pulumi.Output.concat(self._prefix, f"/{path}@", self.images[name].digest)


def _pushed(props: Mapping[str, Any]) -> dict[str, Any]:
    name, url = props["image"], props["push_url"]
    progress = Progress(say)
    image = images([name], progress)[name]
    if url.startswith(_LOCAL):
        push([image], url, progress)
    else:
        _push_with_login(image, url)
    return {"image": name, "key": props["key"], "push_url": url, "digest": image.digest}


def _push_with_login(image: BuiltImage, url: str) -> None:
    """A registry with accounts: skopeo finds the login of `docker login` or `skopeo login`."""
    target = f"docker://{url.partition('://')[2]}/{image.image.path}:{image.image.tag}"
    run(
        ["skopeo", "copy", "--preserve-digests", f"oci:{image.layout}", target],
        "Install skopeo, and log in to the registry (`skopeo login` or `docker login`).",
    )
