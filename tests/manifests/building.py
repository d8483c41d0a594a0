"""Builds gitops/ as Argo CD does, without a cluster: kustomize and helm over our files and the pinned modules."""

from __future__ import annotations

import json
import shutil
import subprocess
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import yaml

ROOT = Path(__file__).resolve().parents[2]
GITOPS = ROOT / "gitops"
UPSTREAM = "http://git.slipway-git.svc.cluster.local/upstream.git"
Manifest = dict[str, Any]

# What only the bootstrap knows, as it patches it into the root Application.
FACTS = {
    "repoURL": "https://git.example.com/team/platform.git",
    "targetRevision": "trunk",
    "seldonWebhookCA": "Q0E=",
    "seldonImage": "registry.example.com/seldon-core-operator@sha256:" + "2" * 64,
    "mlflowImage": "registry.example.com/mlflow@sha256:" + "0" * 64,
    "canaryImage": "registry.example.com/slipway-canary@sha256:" + "1" * 64,
    "modelImages": "registry.example.com/models/",
}

_PREPARE = """
import json, sys
from pathlib import Path
from infra import builds
from infra.builds import manifests, modules
from infra.builds.components import components
manifests.write(Path(sys.argv[1]))
folders = {name: str(modules.folder(components()[name])) for name in ("kubernetes", "argo-cd")}
programs = {name: str(builds.program(name)) for name in ("kustomize", "helm")}
print(json.dumps({"folders": folders, "programs": programs}))
"""


@dataclass(frozen=True)
class Builder:
    """What manifests are built with.

    Attributes:
        upstream: the tree of upstream.git.
        folders: of the Go modules that hold schemas, by component.
        programs: kustomize and helm.
        scratch: a folder of its own.
    """

    upstream: Path
    folders: dict[str, Path]
    programs: dict[str, str]
    scratch: Path

    @classmethod
    def prepare(cls, scratch: Path) -> Builder:
        """Takes the modules from Go's cache or the proxy, and builds the programs where this machine has none yet."""
        python = ROOT / "infra/.venv/bin/python"
        done = subprocess.run(
            [python, "-c", _PREPARE, scratch / "upstream"], cwd=ROOT, text=True, stdout=subprocess.PIPE, check=True
        )
        answer = json.loads(done.stdout)
        folders = {name: Path(folder) for name, folder in answer["folders"].items()}
        return cls(scratch / "upstream", folders, answer["programs"], scratch)

    def program(self, name: str) -> str:
        """The path of one of the pinned programs, built where this machine has none yet."""
        python = ROOT / "infra/.venv/bin/python"
        command = [python, "-m", "infra.builds", "path", name]
        return subprocess.run(command, cwd=ROOT, text=True, stdout=subprocess.PIPE, check=True).stdout.strip()

    def root(self, facts: dict[str, str] = FACTS) -> list[Manifest]:
        """What the root Application applies. Raises CalledProcessError with kustomize's words in stderr."""
        patch = {"apiVersion": "v1", "kind": "ConfigMap", "metadata": {"name": "platform"}, "data": facts}
        patches = [{"target": {"kind": "ConfigMap", "name": "platform"}, "patch": yaml.safe_dump(patch)}]
        return self._kustomize("argocd", {"patches": patches})

    def application(self, application: Manifest) -> list[Manifest]:
        """What an Application of an addon or app applies."""
        spec = application["spec"]
        if "sources" in spec:
            return self._helm(spec)
        settings = spec["source"].get("kustomize", {})
        return self._kustomize(spec["source"]["path"].removeprefix("gitops/"), settings)

    def _kustomize(self, path: str, settings: Manifest) -> list[Manifest]:
        copy = self.scratch / "gitops"
        shutil.rmtree(copy, ignore_errors=True)
        shutil.copytree(GITOPS, copy)
        for file in copy.rglob("kustomization.yaml"):
            # kustomize takes no absolute paths.
            above = "../" * len(file.parent.relative_to(self.scratch).parts)
            text = file.read_text().replace(f"{UPSTREAM}//", f"{above}upstream/").replace("?ref=main", "")
            file.write_text(text)
        file = copy / path / "kustomization.yaml"
        content = yaml.safe_load(file.read_text())
        content.setdefault("patches", []).extend(settings.get("patches", []))
        content["images"] = [_image(override) for override in settings.get("images", [])]
        file.write_text(yaml.safe_dump(content))
        return self._run("kustomize", "build", str(file.parent))

    def _helm(self, spec: Manifest) -> list[Manifest]:
        chart, own = spec["sources"]
        assert chart["repoURL"] == UPSTREAM
        assert own["ref"] == "values"
        files = [name.replace("$values", str(ROOT)) for name in chart["helm"]["valueFiles"]]
        folder = self.upstream / chart["path"]
        values = [f"--values={folder / name}" for name in files]
        place = ("--namespace", spec["destination"]["namespace"], "--include-crds", "--kube-version=1.34.0")
        found = self._run("helm", "template", chart["helm"]["releaseName"], str(folder), *place, *values)
        for manifest in found:
            manifest["metadata"].setdefault("namespace", spec["destination"]["namespace"])
        return found

    def _run(self, program: str, *arguments: str) -> list[Manifest]:
        done = subprocess.run([self.programs[program], *arguments], capture_output=True, text=True, check=True)
        return [manifest for manifest in yaml.load_all(done.stdout, yaml.CSafeLoader) if manifest]


def _image(override: str) -> Manifest:
    """An image in the words of Argo CD, in those of kustomize."""
    name, new = override.split("=")
    repository, digest = new.split("@")
    return {"name": name, "newName": repository, "digest": digest}
