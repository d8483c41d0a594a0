"""The SBOM: what the serving image installs, as CycloneDX 1.6.

Made from the lock and the licence record of environments/serving, never from what happens to be installed here. It
holds no time and no random number, so that equal locks give equal bytes. What Debian brings (Python itself, libc,
libgomp) belongs to the image's own SBOM, for a release does not choose it.

Source: https://cyclonedx.org/docs/1.6/json/
"""

from __future__ import annotations

import json
import uuid
from collections.abc import Iterator, Mapping, Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import TYPE_CHECKING, Any

from slipway.errors import EnvironmentFault
from slipway.files import canonical_json, read_json
from slipway.supply_chain import licences, locked
from slipway.supply_chain.licences import Licence
from slipway.supply_chain.locked import Package

if TYPE_CHECKING:
    from cyclonedx.model.component import Component

FILE = "sbom.json"
ENVIRONMENT = Path("environments/serving")
# Version 5 UUIDs are made from content; the namespace is ours alone.
_NAMESPACE = uuid.UUID("6a3cf0f2-0f0f-5d0e-9a51-1d1b7f6d2d6e")
_VOLATILE = ("serialNumber", "timestamp")


@dataclass(frozen=True)
class Pin:
    """A package from the index: name, version and the sha256 of the file that is installed; text: "name==version"."""

    name: str
    version: str
    sha256: str

    def __str__(self) -> str:
        return f"{self.name}=={self.version}"


def describe(environment: Path = ENVIRONMENT) -> dict[str, Any]:
    """The SBOM of the environment's lock, JSON-ready. A package whose licence is not on record gets none.

    Raises:
        EnvironmentFault: when lock or record cannot be read.
    """
    packages, recorded = locked.read(environment), licences.read(environment)
    document = _document(packages, recorded)
    for name in _VOLATILE:
        document.pop(name, None)
        document["metadata"].pop(name, None)
    document["serialNumber"] = uuid.uuid5(_NAMESPACE, canonical_json(document).decode()).urn
    return document


def pins(folder: Path) -> list[Pin]:
    """The packages from the index that the release in ``folder`` runs on, in the order of its SBOM.

    Raises:
        EnvironmentFault: when it holds no SBOM, as before there were any, or no such SBOM.
    """
    file, remedy = folder / FILE, "Make the release anew: `make repro`."
    if not file.is_file():
        raise EnvironmentFault(f"Release {folder.name[:12]} does not say what it runs on: it holds no {FILE}.", remedy)
    try:
        return [
            Pin(component["name"], component["version"], component["hashes"][0]["content"])
            for component in read_json(file)["components"]
            if "purl" in component
        ]
    except (LookupError, TypeError) as error:
        raise EnvironmentFault(f"{file} is not an SBOM of Slipway: {error!r}.", remedy) from error


def _document(packages: Sequence[Package], recorded: Mapping[str, Licence]) -> dict[str, Any]:
    from cyclonedx.model import Property
    from cyclonedx.model.bom import Bom, BomMetaData
    from cyclonedx.model.component import Component, ComponentType
    from cyclonedx.output import make_outputter
    from cyclonedx.schema import OutputFormat, SchemaVersion

    image = Component(
        name="slipway-serving",
        type=ComponentType.APPLICATION,
        bom_ref="slipway-serving",
        properties=[Property(name="slipway:platform", value=locked.PLATFORM)],
    )
    components = {package.name: _component(package, recorded.get(package.name)) for package in packages}
    bom = Bom(components=components.values(), metadata=BomMetaData(component=image))
    needed = {name for package in packages for name in package.requires}
    bom.register_dependency(image, [components[name] for name in components.keys() - needed])
    for package in packages:
        bom.register_dependency(components[package.name], [components[name] for name in package.requires])
    document: dict[str, Any] = json.loads(make_outputter(bom, OutputFormat.JSON, SchemaVersion.V1_6).output_as_string())
    return document


def _component(package: Package, licence: Licence | None) -> Component:
    from cyclonedx.model.component import Component, ComponentType
    from packageurl import PackageURL

    return Component(
        name=package.name,
        version=package.version,
        type=ComponentType.LIBRARY,
        bom_ref=f"{package.name}@{package.version}",
        licenses=_licences(licence) if licence is not None and licence.version == package.version else (),
        **(_from_index(package, PackageURL("pypi", None, package.name, package.version)) if package.file else {}),
    )


def _licences(licence: Licence) -> Iterator[Any]:
    from cyclonedx.model.license import LicenseAcknowledgement, LicenseExpression

    how = LicenseAcknowledgement.CONCLUDED if licence.reviewed else LicenseAcknowledgement.DECLARED
    yield LicenseExpression(licence.expression, acknowledgement=how)


def _from_index(package: Package, purl: Any) -> dict[str, Any]:
    from cyclonedx.model import ExternalReference, ExternalReferenceType, HashAlgorithm, HashType, XsUri

    assert package.file is not None
    digest = HashType(alg=HashAlgorithm.SHA_256, content=package.file.sha256)
    where = ExternalReference(type=ExternalReferenceType.DISTRIBUTION, url=XsUri(package.file.url), hashes=[digest])
    return {"purl": purl, "hashes": [digest], "external_references": [where]}
