"""Gate ``supply_chain``: a release runs on known packages under allowed licences, holds no secret and cannot execute.

Each list of :class:`Thresholds` is an allow-list: what is not on it is refused by name.
"""

from __future__ import annotations

from collections import Counter
from collections.abc import Iterator, Mapping, Sequence
from dataclasses import asdict, dataclass
from functools import cache
from typing import TYPE_CHECKING, Annotated, Any, ClassVar

from annotated_types import Gt

from slipway.gates.verdict import Verdict

if TYPE_CHECKING:
    from license_expression import Licensing

# So many complaints of one kind are told one by one; the figures hold all.
_TOLD = 3


@dataclass(frozen=True)
class Thresholds:
    """What a release may hold and run on.

    Attributes:
        max_file_mib: larger files are refused unread.
        allowed_licences: SPDX identifiers; with an exception as "X WITH Y".
        allowed_imports: for each module that the release's Python may import, the names that it may take from it.
        allowed_names: built-ins that it may use, and attributes and methods of objects.
    """

    __pydantic_config__: ClassVar[dict[str, str]] = {"extra": "forbid"}
    max_file_mib: Annotated[int, Gt(0)]
    allowed_licences: list[str]
    allowed_imports: dict[str, list[str]]
    allowed_names: list[str]


@dataclass(frozen=True)
class Component:
    """A package as the SBOM has it: licence "" and sha256 "" where it has none."""

    name: str
    version: str
    licence: str
    sha256: str
    from_index: bool


@dataclass(frozen=True)
class Finding:
    """Something in a file of the release: where, and what, in words."""

    file: str
    line: int
    what: str


@dataclass(frozen=True)
class CodeUse:
    """What the release's Python uses: ``kind`` is "module", "member" ("module:name"), "name" or "construct"."""

    file: str
    line: int
    kind: str
    name: str


@dataclass(frozen=True)
class Inspection:
    """What was found in a release that is about to be packaged.

    Attributes:
        components: the packages of its SBOM.
        installed: what the serving image installs, by the installer's own account: name to sha256 of the file, ""
            for the monorepo's own package.
        files: number of files that were looked into.
        misplaced: files that are of no allowed kind.
        pickles: names that would be imported if a file were unpickled.
        secrets: where a secret seems to be.
        code: every use in its Python.
        needed: packages that the served Python imports from.
    """

    components: Sequence[Component]
    installed: Mapping[str, str]
    files: int
    misplaced: Sequence[Finding]
    pickles: Sequence[Finding]
    secrets: Sequence[Finding]
    code: Sequence[CodeUse]
    needed: Sequence[str]


def judge(inspection: Inspection, thresholds: Thresholds) -> Verdict:
    """Hold what was found against the allow-lists."""
    complaints = {
        "sbom": list(_incomplete(inspection)),
        "licences": list(_unlicensed(inspection.components, thresholds.allowed_licences)),
        "files": [f"{found.file}: {found.what}" for found in inspection.misplaced],
        "pickles": [f"{found.file} unpickles {found.what}" for found in inspection.pickles],
        "secrets": [f"{found.file} line {found.line}: {found.what}" for found in inspection.secrets],
        "code": list(_refused(inspection.code, thresholds)),
    }
    licences = Counter(component.licence for component in inspection.components)
    red = [kind for kind, found in complaints.items() if found]
    return Verdict(
        gate="supply_chain",
        passed=not red,
        reason=" ".join(_sentence(kind, complaints[kind]) for kind in red)
        or f"{len(inspection.components)} packages, {len(licences)} licences and {inspection.files} files: the SBOM "
        "is complete, every licence allowed, no secret found, and nothing can execute but what is allowed.",
        figures={
            "packages": len(inspection.components),
            "licences": dict(sorted(licences.items())),
            "files": inspection.files,
            "complaints": complaints,
        },
        thresholds=asdict(thresholds),
    )


def _incomplete(inspection: Inspection) -> Iterator[str]:
    listed = {component.name: component for component in inspection.components}
    if not inspection.installed or not inspection.files:
        yield "nothing was looked into"
    for name in sorted(inspection.installed.keys() - listed.keys()):
        yield f"the image installs {name}, which the SBOM lacks"
    for name, component in sorted(listed.items()):
        if name not in inspection.installed:
            yield f"the SBOM lists {name}, which the image does not install"
        elif component.sha256 != inspection.installed[name] or component.from_index != bool(component.sha256):
            yield f"the SBOM has another file or none for {name} {component.version} than the image installs"
    for name in sorted(set(inspection.needed) - listed.keys()):
        yield f"the release's code imports {name}, which the image does not install"


def _unlicensed(components: Sequence[Component], allowed: Sequence[str]) -> Iterator[str]:
    for component in components:
        named = f"{component.name} {component.version}"
        if not component.licence:
            yield f"the licence of {named} is not on record (environments/serving/licences.yaml)"
        elif refused := refused_licences(component.licence, allowed):
            yield f"{named} is under {component.licence}, and {', '.join(refused)} is not allowed"


def refused_licences(expression: str, allowed: Sequence[str]) -> list[str]:
    """The licences of an SPDX expression that stand against it; none if it is allowed.

    All parts of an AND must be allowed, one part of an OR. What is no SPDX expression is refused whole.
    """
    from license_expression import ExpressionError

    try:
        parsed = _spdx().parse(expression, validate=True, strict=True)
    except ExpressionError:
        return [expression]
    return _standing_against(parsed, frozenset(allowed)) if parsed is not None else [expression]


@cache
def _spdx() -> Licensing:
    from license_expression import get_spdx_licensing

    return get_spdx_licensing()


def _standing_against(part: Any, allowed: frozenset[str]) -> list[str]:
    operator = getattr(part, "operator", "").strip()
    if operator not in ("AND", "OR"):
        return [] if str(part) in allowed else [str(part)]
    refused = [_standing_against(argument, allowed) for argument in part.args]
    if operator == "OR" and any(not one for one in refused):
        return []
    return [name for one in refused for name in one]


def _refused(code: Sequence[CodeUse], thresholds: Thresholds) -> Iterator[str]:
    names = frozenset(thresholds.allowed_names)
    for use in code:
        if not _allowed(use, names, thresholds.allowed_imports):
            yield f"{use.file} line {use.line}: {use.kind} {use.name.replace(':', '.')}"


def _allowed(use: CodeUse, names: frozenset[str], imports: Mapping[str, Sequence[str]]) -> bool:
    if use.kind == "module":
        return use.name in imports
    if use.kind == "member":
        module, _, name = use.name.partition(":")
        return name in imports.get(module, ())
    return use.kind == "name" and use.name in names


_SAID = {
    "sbom": "The SBOM is not what the image installs",
    "licences": "A licence is not allowed",
    "files": "A file does not belong into a release",
    "pickles": "A file would execute when it is unpickled",
    "secrets": "There seems to be a secret",
    "code": "The model's code uses what is not allowed",
}


def _sentence(kind: str, found: Sequence[str]) -> str:
    more = f", and {len(found) - _TOLD} more" if len(found) > _TOLD else ""
    return f"{_SAID[kind]}: {'; '.join(found[:_TOLD])}{more}."
