"""Gate ``supply_chain``: unknown packages, forbidden licences, secrets and whatever could execute are red, by name."""

from __future__ import annotations

import io
import os
import pickle
import shutil
import zipfile
from collections.abc import Callable
from dataclasses import replace
from pathlib import Path
from typing import Any

import joblib
import numpy as np
import polars as pl
import pytest

from slipway.configuration import Gates
from slipway.files import canonical_json, read_json
from slipway.gates import supply_chain
from slipway.gates.supply_chain import Component, Inspection
from slipway.gates.verdict import Verdict
from slipway.supply_chain import inspection

# These are large and take seconds; what is planted into a fragment lies elsewhere or takes their place.
_LARGE = ("reading.json", "model.txt")
# Put together here, so that no tool takes this file for a leak.
PRIVATE_KEY = "-----BEGIN EC PRIVATE" + " KEY-----\nMHcCAQEEIIf\n-----END EC PRIVATE" + " KEY-----\n"
AMAZON_KEY = "AKIA" + "IOSFODNN7ABCDEFG"
GITHUB_TOKEN = "ghp_" + "wWPw5k4aXcaT4fNP0UcnZwJUVFk6LO0pINUx"
HEX_KEY = "9c3f1e77a5b02d48" * 2 + "1f6e0ba4d2c93857" * 2


@pytest.fixture(scope="session")
def real(release_folder: Path, limits: Gates) -> Inspection:
    return inspection.inspect(release_folder, limits.supply_chain.max_file_mib)


@pytest.fixture
def fragment(release_folder: Path, tmp_path: Path) -> Path:
    """A copy of the release without its large files."""
    folder = tmp_path / "release"
    shutil.copytree(release_folder, folder, ignore=shutil.ignore_patterns(*_LARGE))
    return folder


@pytest.fixture
def judged(fragment: Path, limits: Gates) -> Callable[[], Verdict]:
    """The verdict on the fragment as it is now."""

    def judge() -> Verdict:
        return supply_chain.judge(inspection.inspect(fragment, limits.supply_chain.max_file_mib), limits.supply_chain)

    return judge


def red(verdict: Verdict, kind: str) -> list[str]:
    """The complaints of a verdict that is red for nothing but ``kind``."""
    assert verdict.gate == "supply_chain"
    assert not verdict.passed
    assert [name for name, found in verdict.figures["complaints"].items() if found] == [kind]
    return list(verdict.figures["complaints"][kind])


def test_real_release_passes(real: Inspection, limits: Gates) -> None:
    verdict = supply_chain.judge(real, limits.supply_chain)
    assert verdict.passed, verdict.reason
    assert verdict.figures["packages"] == len(real.installed) > 20
    assert {"numpy", "lightgbm", "slipway"} <= real.installed.keys()
    assert real.needed == ["polars", "slipway"]


def test_a_fragment_by_itself_is_green(judged: Callable[[], Verdict]) -> None:
    verdict = judged()
    assert verdict.passed, verdict.reason


def test_fault_nothing_was_looked_into(limits: Gates) -> None:
    nothing = Inspection([], {}, 0, [], [], [], [], [])
    assert red(supply_chain.judge(nothing, limits.supply_chain), "sbom") == ["nothing was looked into"]


# --- the SBOM ---------------------------------------------------------------------------------------------------------


def _without(document: dict[str, Any], name: str) -> dict[str, Any]:
    return document | {"components": [entry for entry in document["components"] if entry["name"] != name]}


def _changed(document: dict[str, Any], name: str, **changes: Any) -> dict[str, Any]:
    (entry,) = (entry for entry in document["components"] if entry["name"] == name)
    return document | {"components": [*_without(document, name)["components"], entry | changes]}


_MLFLOW = {
    "name": "mlflow", "version": "3.17.0", "purl": "pkg:pypi/mlflow@3.17.0", "licenses": [{"expression": "MIT"}],
    "hashes": [{"alg": "SHA-256", "content": "0" * 64}],
}  # fmt: skip


@pytest.mark.parametrize(
    ("change", "said"),
    [
        (lambda sbom: _without(sbom, "numpy"), "the image installs numpy, which the SBOM lacks"),
        (
            lambda sbom: sbom | {"components": [*sbom["components"], _MLFLOW]},
            "the SBOM lists mlflow, which the image does not install",
        ),
        (lambda sbom: _changed(sbom, "scipy", hashes=[]), "the SBOM has another file or none for scipy"),
        (
            lambda sbom: _changed(sbom, "scipy", hashes=[{"alg": "SHA-256", "content": "0" * 64}]),
            "the SBOM has another file or none for scipy",
        ),
        (lambda sbom: _changed(sbom, "slipway", hashes=[{"alg": "SHA-256", "content": "0" * 64}]), "for slipway"),
    ],
    ids=["missing", "developer's", "no hash", "other hash", "own with a hash"],
)
def test_fault_sbom_is_not_what_the_image_installs(
    fragment: Path, judged: Callable[[], Verdict], change: Callable[[dict[str, Any]], dict[str, Any]], said: str
) -> None:
    file = fragment / "sbom.json"
    file.write_bytes(canonical_json(change(read_json(file))))
    (complaint,) = red(judged(), "sbom")
    assert said in complaint


def test_fault_code_needs_what_the_image_lacks(real: Inspection, limits: Gates) -> None:
    needing = replace(real, needed=[*real.needed, "pandas"])
    (complaint,) = red(supply_chain.judge(needing, limits.supply_chain), "sbom")
    assert complaint == "the release's code imports pandas, which the image does not install"


# --- licences ---------------------------------------------------------------------------------------------------------


@pytest.mark.parametrize(
    ("expression", "refused"),
    [
        ("GPL-3.0-only", "GPL-3.0-only"),
        ("MIT AND AGPL-3.0-or-later", "AGPL-3.0-or-later"),
        ("GPL-3.0-or-later", "GPL-3.0-or-later"),
        ("GPL-2.0-only OR BUSL-1.1", "GPL-2.0-only, BUSL-1.1"),
        ("Some licence of ours", "Some licence of ours"),
        ("LicenseRef-proprietary", "LicenseRef-proprietary"),
        ("MIT OR", "MIT OR"),
        ("", "not on record"),
    ],
)
def test_fault_forbidden_or_unknown_licence(real: Inspection, limits: Gates, expression: str, refused: str) -> None:
    def licensed(component: Component) -> Component:
        return replace(component, licence=expression) if component.name == "typer" else component

    planted = replace(real, components=[licensed(component) for component in real.components])
    (complaint,) = red(supply_chain.judge(planted, limits.supply_chain), "licences")
    assert "typer " in complaint
    assert refused in complaint


@pytest.mark.parametrize("expression", ["MIT", "GPL-3.0-only OR MIT", "(MIT OR GPL-2.0-only) AND Apache-2.0"])
def test_one_allowed_part_of_an_or_is_enough(expression: str) -> None:
    assert supply_chain.refused_licences(expression, ["MIT", "Apache-2.0"]) == []


def test_an_exception_counts_only_where_it_stands() -> None:
    allowed = ["GPL-3.0-or-later WITH GCC-exception-3.1"]
    assert supply_chain.refused_licences("GPL-3.0-or-later WITH GCC-exception-3.1", allowed) == []
    assert supply_chain.refused_licences("GPL-3.0-or-later", allowed) == ["GPL-3.0-or-later"]
    assert supply_chain.refused_licences("GPL-3.0-or-later WITH Classpath-exception-2.0", allowed)


# --- secrets ----------------------------------------------------------------------------------------------------------


@pytest.mark.parametrize(
    ("file", "text", "kind"),
    [
        ("card.md", PRIVATE_KEY, "Private Key"),
        ("card.md", f"{PRIVATE_KEY.splitlines()[0]} # pragma: allowlist " + "secret\n", "Private Key"),
        ("model/features.py", f"# {AMAZON_KEY}\n", "AWS Access Key"),
        ("model.yaml", f'forge: "{GITHUB_TOKEN}"\n', "GitHub Token"),
        ("model.yaml", 'password: "hunter2-' + 'correct-horse"\n', "Secret Keyword"),
        ("model.yaml", f'shared: "{HEX_KEY}"\n', "Hex High Entropy String"),
    ],
    ids=["private key", "allow-listed by a comment", "in code", "token", "password", "random hex"],
)
def test_fault_planted_secret(fragment: Path, judged: Callable[[], Verdict], file: str, text: str, kind: str) -> None:
    with (fragment / file).open("a") as stream:
        stream.write(text)
    lines = (fragment / file).read_text().splitlines()
    complaints = red(judged(), "secrets")
    number = lines.index(text.splitlines()[0]) + 1
    assert f"{file} line {number}: {kind}" in complaints
    assert all(secret not in str(complaints) for secret in (AMAZON_KEY, GITHUB_TOKEN, HEX_KEY))


def test_fault_secret_among_the_numbers_of_the_model(
    release_folder: Path, fragment: Path, judged: Callable[[], Verdict]
) -> None:
    lines = (release_folder / "model.txt").read_text().splitlines()
    (place,) = (number for number, line in enumerate(lines) if line == "Tree=150")
    lines[place + 4] += f" {AMAZON_KEY}"
    (fragment / "model.txt").write_text("\n".join(lines) + "\n")
    assert red(judged(), "secrets") == [f"model.txt line {place + 5}: AWS Access Key"]


def test_fault_secret_in_a_parquet_column(fragment: Path, judged: Callable[[], Verdict]) -> None:
    pl.DataFrame({"carrier": ["UA", GITHUB_TOKEN]}).write_parquet(fragment / "drift" / "reference.parquet")
    complaints = red(judged(), "secrets")
    assert all(complaint.startswith("drift/reference.parquet line ") for complaint in complaints)
    assert any(complaint.endswith("GitHub Token") for complaint in complaints)


@pytest.mark.parametrize(
    "hidden", [GITHUB_TOKEN.encode(), [GITHUB_TOKEN], {"of": GITHUB_TOKEN}], ids=["bytes", "list", "struct"]
)
def test_fault_parquet_column_that_nobody_looks_into(
    fragment: Path, judged: Callable[[], Verdict], hidden: object
) -> None:
    pl.DataFrame({"carrier": [hidden]}).write_parquet(fragment / "drift" / "reference.parquet")
    (complaint,) = red(judged(), "files")
    assert complaint == "drift/reference.parquet: its column carrier holds neither numbers, times nor text"


def test_fault_hex_key_in_a_digests_place_but_for_its_name(fragment: Path, judged: Callable[[], Verdict]) -> None:
    file = fragment / "provenance.json"
    file.write_bytes(canonical_json(read_json(file) | {"token": HEX_KEY}))
    assert any("Hex High Entropy String" in complaint for complaint in red(judged(), "secrets"))


# --- what could execute -----------------------------------------------------------------------------------------------


class _Evil:
    def __reduce__(self) -> tuple[Any, ...]:
        return os.system, ("true",)


def _zipped(content: bytes) -> bytes:
    buffer = io.BytesIO()
    with zipfile.ZipFile(buffer, "w") as archive:
        archive.writestr("data.pkl", content)
    return buffer.getvalue()


def _array() -> bytes:
    buffer = io.BytesIO()
    np.save(buffer, np.array([_Evil()], dtype=object), allow_pickle=True)
    return buffer.getvalue()


def _joblib() -> bytes:
    buffer = io.BytesIO()
    joblib.dump({"model": _Evil(), "weights": np.zeros(3)}, buffer)
    return buffer.getvalue()


_PICKLES = {
    "model.txt": pickle.dumps(_Evil()),
    "model.pkl": pickle.dumps(_Evil()),
    "card.md": pickle.dumps(_Evil(), protocol=0),
    "drift/reference.parquet": pickle.dumps(_Evil(), protocol=2),
    "model.zip": _zipped(pickle.dumps(_Evil())),
    "weights.npy": _array(),
    "model.joblib": _joblib(),
}


@pytest.mark.parametrize("name", _PICKLES)
def test_fault_pickle(fragment: Path, judged: Callable[[], Verdict], name: str) -> None:
    (fragment / name).write_bytes(_PICKLES[name])
    verdict = judged()
    assert not verdict.passed
    complaints = verdict.figures["complaints"]
    assert f"{name} unpickles {os.system.__module__}.system" in complaints["pickles"]
    # The name of its kind, or its content, betrays it as well; an ASCII pickle could pass for prose.
    assert any(complaint.startswith(f"{name}: ") for complaint in complaints["files"]) or name == "card.md"


@pytest.mark.parametrize(
    ("name", "content", "said"),
    [
        ("hook.py", b"", "no file of this name or kind"),
        ("model/slices.py", b"", "no file of this name or kind"),
        ("model/__pycache__/features.cpython-311.pyc", b"\xa7\r\r\n", "no file of this name or kind"),
        ("libmodel.so", b"\x7fELF", "no file of this name or kind"),
        ("run.sh", b"true\n", "no file of this name or kind"),
        ("model.txt", b"#!/bin/sh\ntrue\n", "not a model in LightGBM's text format"),
        ("model.txt", b"tree\n\x00\x01", "control characters"),
        ("state.json", b"{", "not JSON"),
        ("model.yaml", b"!!python/object/apply:os.system ['true']\n", "not plain YAML"),
        ("drift/reference.parquet", b"PAR1", "not Parquet"),
        ("card.md", b"\xff\xfe", "no text in UTF-8"),
    ],
)
def test_fault_file_of_no_allowed_kind(
    fragment: Path, judged: Callable[[], Verdict], name: str, content: bytes, said: str
) -> None:
    (fragment / name).parent.mkdir(exist_ok=True)
    (fragment / name).write_bytes(content)
    found = judged().figures["complaints"]["files"]
    assert len(found) == 1
    assert found[0].startswith(f"{name}: ")
    assert said in found[0]


def test_fault_link_and_file_without_end(fragment: Path, judged: Callable[[], Verdict]) -> None:
    (fragment / "card.json").symlink_to("/etc/passwd")
    with (fragment / "huge.json").open("wb") as stream:
        stream.truncate(1 << 30)  # takes no space on disk
    assert red(judged(), "files") == [
        "card.json: it is no regular file",
        "huge.json: it has 1024 MiB, and 64 are allowed",
    ]


@pytest.mark.parametrize(
    ("code", "refused"),
    [
        ("import os", "module os"),
        ("import subprocess as polars", "module subprocess"),
        ("def later():\n    from subprocess import run", "module subprocess"),
        ("from slipway.features import np", "member slipway.features.np"),
        ("from polars import *", "member polars.*"),
        ("from . import contract", "module ."),
        ("import collections.abc", "construct `import collections.abc` without `as`"),
        ("eval('1')", "name eval"),
        ("exec('1')", "name exec"),
        ("run = compile", "name compile"),
        ("__import__('os').system('true')", "name __import__"),
        ("def f(eval):\n    pass", "name eval"),
        ("open('/etc/passwd')", "name open"),
        ("getattr(fit, 'x')", "name getattr"),
        ("fit.__globals__", "name __globals__"),
        ("__builtins__", "name __builtins__"),
        ("match int:\n    case type(__base__=base): pass", "construct a class pattern"),
        ("().__class__.__base__.__subclasses__()", "name __subclasses__"),
        ("import polars as p\np.read_csv('x')", "member polars.read_csv"),
        ("import polars as p\nq = p", "construct the module polars as a value"),
        ("fit(0).write_csv('x')", "name write_csv"),
        ("class X:\n    def __reduce__(self): return 1", "name __reduce__"),
        (
            'kind = type(fit)\nmatch fit:\n    case kind(__globals__={"__builtins__": {"exec": f}}):\n        f("")',
            "construct a class pattern",
        ),
        ("def broken(:", "construct what is no Python"),
    ],
)
def test_fault_code_reaches_out(fragment: Path, judged: Callable[[], Verdict], code: str, refused: str) -> None:
    file = fragment / "model" / "features.py"
    source = file.read_text()
    file.write_text(f"{source}\n{code}\n")
    complaints = judged().figures["complaints"]["code"]
    first = len(source.splitlines()) + 2
    assert any(found.startswith("model/features.py line ") and refused in found for found in complaints)
    lines = {int(found.split(" line ")[1].split(":")[0]) for found in complaints}
    assert all(first <= line <= first + code.count("\n") for line in lines)


def test_harmless_code_stays_green(fragment: Path, judged: Callable[[], Verdict]) -> None:
    with (fragment / "model" / "features.py").open("a") as stream:
        stream.write("\n\ndef _hour(clock: Values) -> Values:\n    return abs(clock) // 100\n")
    verdict = judged()
    assert verdict.passed, verdict.reason


def test_the_verdict_is_the_same_each_time(real: Inspection, release_folder: Path, limits: Gates) -> None:
    again = supply_chain.judge(
        inspection.inspect(release_folder, limits.supply_chain.max_file_mib), limits.supply_chain
    )
    first = supply_chain.judge(real, limits.supply_chain)
    assert canonical_json(again.as_evidence()) == canonical_json(first.as_evidence())
