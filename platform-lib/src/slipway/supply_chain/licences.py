"""The licence of each package that an environment installs: a committed record, made from metadata and reviewed.

    numpy:
      version: 2.4.6
      licence: BSD-3-Clause AND MIT
      reviewed: what its wheel bundles, from LICENSE.txt

``licence`` is an SPDX expression. Where a package's metadata hold one, that is it. Where they hold prose, or the
wheel brings libraries of others, a person reads its licence files and writes the expression, and ``reviewed`` says
what was read. ``python -m slipway.supply_chain.licences ENVIRONMENT`` brings the record up to date with what is
installed there, and lists what a person must do.
"""

from __future__ import annotations

import sys
from collections.abc import Iterator, Mapping
from dataclasses import dataclass
from importlib.metadata import Distribution, distributions
from pathlib import Path
from typing import Any

import yaml

from slipway.errors import EnvironmentFault, SlipwayError, UsageError
from slipway.files import read_yaml, replacing
from slipway.progress import console

FILE = "licences.yaml"
_HEADER = (
    "# The licence of each package of this environment. `make licences` brings it up to date; review what changes.\n"
)
# Classifiers that say which SPDX licence they mean; others, such as "BSD License", stand for several.
_CLASSIFIERS = {
    "License :: OSI Approved :: Apache Software License": "Apache-2.0",
    "License :: OSI Approved :: ISC License (ISCL)": "ISC",
    "License :: OSI Approved :: MIT License": "MIT",
    "License :: OSI Approved :: Mozilla Public License 2.0 (MPL 2.0)": "MPL-2.0",
}


@dataclass(frozen=True)
class Licence:
    """The licence of one version of a package.

    Attributes:
        version: of the package.
        expression: SPDX.
        reviewed: what a person read to find it; empty where the package's metadata say it.
    """

    version: str
    expression: str
    reviewed: str = ""


class Unreviewed(SlipwayError):
    """The metadata of some packages do not say their licence, so that a person must."""

    exit_code = 1


def read(environment: Path) -> dict[str, Licence]:
    """The record of an environment: package name, normalised, to licence.

    Raises:
        EnvironmentFault: when there is none.
        UsageError: when it is not what it must be.
    """
    file = environment / FILE
    content = read_yaml(file)
    try:
        return {
            str(name): Licence(str(entry["version"]), entry["licence"], entry.get("reviewed", ""))
            for name, entry in content.items()
        }
    except (LookupError, TypeError, AttributeError) as error:
        raise UsageError(
            f"{file} is not a record of licences: {error!r}.", "Each package has `version` and `licence`."
        ) from error


def declared(distribution: Distribution) -> str:
    """The SPDX expression that a package's metadata declare beyond doubt; empty if they do not."""
    fields = distribution.metadata
    if "License-Expression" in fields:
        return fields["License-Expression"]
    kinds = [entry for entry in fields.get_all("Classifier", []) if entry.startswith("License :: ")]
    return _CLASSIFIERS.get(kinds[0], "") if len(kinds) == 1 else ""


def bundles(distribution: Distribution) -> list[str]:
    """Shared libraries of others that the wheel brings along, where wheel repair tools put them."""
    files = distribution.files or []
    return sorted(file.name for file in files if file.parts[0].endswith(".libs"))


def installed(environment: Path) -> dict[str, Distribution]:
    """What is installed in the environment's ``.venv``, by normalised name."""
    from packaging.utils import canonicalize_name

    places = [str(path) for path in environment.glob(".venv/lib/python*/site-packages")]
    found: dict[str, Distribution] = {}
    for entry in distributions(path=places) if places else ():
        found[canonicalize_name(entry.metadata["Name"])] = entry
    if not found:
        raise EnvironmentFault(f"Nothing is installed in {environment}.", "Run `make setup`.")
    return found


def refresh(environment: Path) -> list[str]:
    """Bring the record up to date with what is installed; return the names of the packages that changed.

    Raises:
        Unreviewed: naming the packages whose licence a person must find, and what their metadata say. The record
            is not written then.
    """
    recorded = read(environment) if (environment / FILE).exists() else {}
    found = installed(environment)
    renewed = {name: _renewed(entry, recorded.get(name)) for name, entry in sorted(found.items())}
    unknown = [_question(name, found[name]) for name, licence in renewed.items() if licence is None]
    if unknown:
        raise Unreviewed(
            f"A person must find the licence of {'; '.join(unknown)}.",
            f"Read its licence files and write `version`, `licence` and `reviewed` into {environment / FILE}.",
        )
    known = {name: licence for name, licence in renewed.items() if licence is not None}
    _write(environment / FILE, known)
    return sorted(name for name in known.keys() | recorded.keys() if known.get(name) != recorded.get(name))


def _renewed(distribution: Distribution, recorded: Licence | None) -> Licence | None:
    if recorded is not None and recorded.version == distribution.version and recorded.reviewed:
        return recorded
    expression = declared(distribution)
    return Licence(distribution.version, expression) if expression and not bundles(distribution) else None


def _question(name: str, distribution: Distribution) -> str:
    fields = distribution.metadata
    said = declared(distribution) or (fields.get_all("License") or ["nothing"])[0]
    brought = f", and it brings {', '.join(bundles(distribution))}" if bundles(distribution) else ""
    return f"{name} {distribution.version} (its metadata say {said.splitlines()[0]!r}{brought})"


def _write(file: Path, licences: Mapping[str, Licence]) -> None:
    content = {name: dict(_entry(licence)) for name, licence in licences.items()}
    with replacing(file) as staged:
        staged.write_text(_HEADER + yaml.safe_dump(content, sort_keys=False, width=120))


def _entry(licence: Licence) -> Iterator[tuple[str, Any]]:
    yield "version", licence.version
    yield "licence", licence.expression
    if licence.reviewed:
        yield "reviewed", licence.reviewed


if __name__ == "__main__":
    try:
        changed = refresh(Path(sys.argv[1]))
    except SlipwayError as error:
        console.print(str(error), markup=False, soft_wrap=True)
        sys.exit(error.exit_code)
    console.print(f"{sys.argv[1]}/{FILE}: {', '.join(changed) or 'nothing'} changed", markup=False)
