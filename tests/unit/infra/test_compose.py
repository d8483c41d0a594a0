"""Each stack of infra/__main__.py, against a recorder in place of an engine."""

from __future__ import annotations

import json
import re
from pathlib import Path
from typing import Any

import pulumi
import pytest
import yaml
from recorder import Recorder, opened, recording, run

from infra import __main__ as program
from infra.bootstrap import registry, secrets
from infra.builds.store import Entry
from infra.clusters import eks, kind
from infra.clusters.capabilities import provider
from infra.errors import PlatformError
from infra.settings import StackSettings

INSTALL = Path(__file__).parent / "bootstrap" / "test_manifests.py"


@pytest.fixture(autouse=True)
def upstream(monkeypatch: pytest.MonkeyPatch, tmp_path: Path) -> None:
    """No module is downloaded and no toolchain asked: a small install.yaml, and keys that need neither."""
    text = re.search(r'INSTALL = """(.*?)"""', INSTALL.read_text(), re.S)
    assert text
    documents = [one for one in yaml.safe_load_all(text[1]) if one]
    monkeypatch.setattr(program.upstream, "argocd", lambda: json.loads(json.dumps(documents)))
    monkeypatch.setattr(registry, "entry", lambda image: Entry(tmp_path, image.name, f"key-of-{image.name}"))


def composed(config: dict[str, str]) -> Recorder:
    with recording("test", config) as recorder:
        run(program.compose)
    return recorder


@pytest.fixture
def local() -> Recorder:
    return composed({"provider": "processes"})


def test_every_object_is_where_it_belongs(local: Recorder) -> None:
    found = {
        args.inputs["metadata"].get("namespace")
        for args in local.seen
        if args.typ.startswith("kubernetes:") and "metadata" in args.inputs
    }
    assert found - {None} == set(secrets.NAMESPACES)
    made = {args.name for args in local.seen if args.typ == "kubernetes:core/v1:Namespace"}
    assert made == set(secrets.NAMESPACES)


def test_our_images_are_named_by_digest(local: Recorder) -> None:
    text = json.dumps([args.inputs for args in local.seen], default=str)
    ours = re.findall(r"registry\.slipway\.internal/[^\"\\\s]+", text)
    assert len(ours) >= 2
    assert all(re.fullmatch(r"registry\.slipway\.internal/[a-z-]+@sha256:[0-9a-f]{64}", one) for one in ours)


def test_a_closed_machine_gets_third_parties_images_and_others_pull_them() -> None:
    closed, open_ = registry.wanted(mirrors_upstream=True), registry.wanted(mirrors_upstream=False)
    assert {"argocd", "redis", "git"} <= set(closed)
    assert {"git", "mlflow", "seldon-core-operator", "slipway-canary", "slipway-server"} == set(open_)


def test_the_root_application_knows_the_platform(local: Recorder) -> None:
    spec = local.named("root", ":Application")["spec"]
    assert spec["source"]["repoURL"] == "http://git.slipway-git.svc.cluster.local/platform.git"
    assert spec["source"]["path"] == "gitops/argocd"
    facts = json.loads(spec["source"]["kustomize"]["patches"][0]["patch"])["data"]
    assert facts["modelImages"] == "registry.slipway.internal/"
    assert facts["seldonImage"].startswith("registry.slipway.internal/seldon-core-operator@sha256:")
    assert facts["mlflowImage"].startswith("registry.slipway.internal/mlflow@sha256:")
    assert facts["canaryImage"].startswith("registry.slipway.internal/slipway-canary@sha256:")
    assert facts["seldonWebhookCA"] == "QVVUSE9SSVRZ"
    assert local.named("root", ":Application")["metadata"].get("finalizers") in (None, [])


def test_the_root_application_may_make_applications_and_nothing_else(local: Recorder) -> None:
    spec = local.named("platform-project")["spec"]
    assert [one["kind"] for one in spec["namespaceResourceWhitelist"]] == [
        "AppProject",
        "Application",
        "ApplicationSet",
    ]
    assert spec["clusterResourceWhitelist"] == []
    assert [one["namespace"] for one in spec["destinations"]] == ["argocd"]


def test_the_secrets_that_gitops_expects(local: Recorder) -> None:
    found = {
        args.name: opened(args.inputs["stringData"]) for args in local.seen if args.typ == "kubernetes:core/v1:Secret"
    }
    assert set(found["seldon-system/seldon-webhook-server-cert"]) == {"tls.crt", "tls.key", "ca.crt"}
    assert set(found["mlflow/mlflow-postgres"]) == {"password"}
    assert set(found["nats/nats-users"]) == {"server", "collector", "canary"}
    assert found["staging/request-log"] == found["production/request-log"]
    assert found["nats/request-log-collector"]["url"].startswith("nats://collector:secret-")
    assert found["slipway/canary-request-log"]["url"].startswith("nats://canary:secret-")
    password = found["git-credentials"]["htpasswd"] and opened(found["slipway/canary-git"]["password"])
    assert found["slipway/canary-git"] == {
        "url": "http://git.slipway-git.svc.cluster.local/platform.git",
        "user": "slipway",
        "password": password,
        "credentials": f"http://slipway:{password}@git.slipway-git.svc.cluster.local\n",
    }
    assert password == "secret-git-password"
    assert found["slipway/canary-signing-key"] == {"id_ed25519": "PRIVATE"}
    assert set(found["argocd-secret"]) == {"webhook.github.secret"}
    assert found["argocd-secret"]["webhook.github.secret"] == found["git-credentials"]["webhook-secret"]


def test_what_is_secret_leaves_the_program_as_a_secret() -> None:
    exported: dict[str, Any] = {}
    with recording("test", {"provider": "processes"}), pytest.MonkeyPatch.context() as patch:
        patch.setattr(pulumi, "export", exported.__setitem__)
        run(program.compose)
        kinds: dict[str, bool] = {}

        async def ask() -> None:
            kinds["kubeconfig"] = await exported["kubeconfig"].is_secret()

        run(ask)
    assert kinds == {"kubeconfig": True}


def test_who_signs_for_the_canary_loop_is_said_to_all() -> None:
    exported: dict[str, Any] = {}
    with recording("test", {"provider": "processes"}), pytest.MonkeyPatch.context() as patch:
        patch.setattr(pulumi, "export", exported.__setitem__)
        run(program.compose)
        said: list[str] = []
        run(lambda: exported["canary"]["public_key"].apply(said.append))
    assert said == ["ssh-ed25519 AAAA canary@slipway.internal"]


def test_what_providers_generate_is_declared_secret() -> None:
    declared: dict[str, list[str]] = {}
    from pulumi.dynamic import Resource

    original = Resource.__init__

    def spy(self: Any, made: Any, name: str, props: Any, opts: Any = None, *more: Any) -> None:
        declared[name] = list(getattr(opts, "additional_secret_outputs", None) or [])
        original(self, made, name, props, opts, *more)

    with pytest.MonkeyPatch.context() as patch:
        patch.setattr(Resource, "__init__", spy)
        composed({"provider": "processes"})
    assert declared["cluster-node"] == ["kubeconfig"]
    assert declared["seldon-webhook"] == ["key"]
    assert declared["canary-signing-key"] == ["private"]
    passwords = [name for name in declared if "password" in name or name == "webhook-secret"]
    assert len(passwords) == 6
    assert all(declared[name] == ["value"] for name in passwords)


def test_a_second_run_asks_for_the_same() -> None:
    def shape(recorder: Recorder) -> list[tuple[str, str, str]]:
        hidden = ("__provider",)
        return sorted(
            (args.typ, args.name, json.dumps({k: v for k, v in args.inputs.items() if k not in hidden}, default=str))
            for args in recorder.seen
        )

    assert shape(composed({"provider": "processes"})) == shape(composed({"provider": "processes"}))


def test_an_existing_cluster_keeps_what_is_its_own(tmp_path: Path) -> None:
    config = {
        "apiVersion": "v1",
        "current-context": "c",
        "contexts": [{"name": "c", "context": {"cluster": "c"}}],
        "clusters": [{"name": "c", "cluster": {"server": "https://node.example:6443"}}],
    }
    (tmp_path / "kubeconfig").write_text(yaml.safe_dump(config))
    section = {"kubeconfig": str(tmp_path / "kubeconfig"), "registry": "r.example/team"}
    recorder = composed({"provider": "existing", "existing": json.dumps(section)})
    assert recorder.named("root", ":Application")["metadata"]["finalizers"] == [
        "resources-finalizer.argocd.argoproj.io"
    ]
    image = recorder.named("git-server")["spec"]["template"]["spec"]["containers"][0]["image"]
    assert image.startswith("r.example/team/git@sha256:")
    assert recorder.named("upstream")["url"] == "http://node.example:30082/upstream.git"
    assert "image-argocd" not in {args.name for args in recorder.seen}


def test_kind(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(kind, "engine", lambda settings: "podman")
    recorder = composed({"provider": "kind"})
    assert recorder.named("cluster-node")["engine"] == "podman"
    assert recorder.named("image-git")["push_url"] == "http://127.0.0.1:5001"
    # Its kubelets sign their own certificates.
    (patch,) = recorder.named("root", ":Application")["spec"]["source"]["kustomize"]["patches"]
    assert json.loads(patch["patch"])["data"]["kubeletTLS"] == "--kubelet-insecure-tls"


# What the SDKs say of their own parts when they are imported.
@pytest.mark.filterwarnings("ignore::DeprecationWarning")
def test_eks_has_a_cluster_repositories_and_internal_load_balancers() -> None:
    recorder = composed({"provider": "eks", "eks": '{"nodes": 3}'})
    assert recorder.named("cluster", "eks:index:Cluster")["desiredCapacity"] == 3
    assert recorder.named("cluster-repositories")["appliedFors"] == ["CREATE_ON_PUSH"]
    assert recorder.named("kubernetes", "pulumi:providers:kubernetes")["kubeconfig"]
    service = recorder.named("git-service")
    assert service["spec"]["type"] == "LoadBalancer"
    assert service["metadata"]["annotations"] == dict(eks.INTERNAL)
    image = recorder.named("git-server")["spec"]["template"]["spec"]["containers"][0]["image"]
    assert image.startswith("123456789012.dkr.ecr.eu-central-1.amazonaws.com/slipway-test/git@sha256:")


def test_eks_without_its_extra_is_told(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(eks, "find_spec", lambda name: None)
    with pytest.raises(PlatformError, match="needs pulumi_aws and pulumi_eks") as caught:
        provider("eks").check("test", StackSettings())
    assert "uv sync --project infra --group eks" in caught.value.remedy


def test_a_repository_of_ones_own_is_not_seeded_and_pushed_to_as_its_credentials_say(tmp_path: Path) -> None:
    url, credentials, password = "https://github.com/you/slipway.git", tmp_path / "credentials", "p%40ss"
    credentials.write_text(f"https://robot:{password}@github.com\n")
    gitops = {"repository": url, "credentials": str(credentials)}
    recorder = composed({"provider": "processes", "gitops": json.dumps(gitops)})
    given = opened(recorder.named("slipway/canary-git")["stringData"])
    assert (given["url"], given["user"], opened(given["password"])) == (url, "robot", "p@ss")
    assert recorder.named("root", ":Application")["spec"]["source"]["repoURL"] == url
    assert "platform" not in {args.name for args in recorder.seen}


def test_only_the_cluster_of_the_platform_takes_its_contents_along() -> None:
    names = ("kind", "processes", "existing", "eks")
    assert [name for name in names if provider(name).owns_cluster] == ["kind", "processes"]
