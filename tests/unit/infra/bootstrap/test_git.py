from __future__ import annotations

import pulumi
from recorder import recording, run

from infra.bootstrap.git import GitServer, GitServerArgs, htpasswd
from infra.clusters.capabilities import Exposure


def serve(exposure: Exposure) -> None:
    GitServer("git", GitServerArgs("registry.slipway.internal/git@sha256:0", "password", "webhook", exposure))


def local() -> Exposure:
    return Exposure("NodePort", {"git": pulumi.Output.from_input("http://127.0.0.1:8082")}, {})


def test_the_server_runs_without_any_privilege() -> None:
    with recording() as recorder:
        run(lambda: serve(local()))
    pod = recorder.named("git-server")["spec"]["template"]["spec"]
    container = pod["containers"][0]
    assert pod["securityContext"]["runAsNonRoot"] is True
    assert pod["automountServiceAccountToken"] is False
    assert container["image"] == "registry.slipway.internal/git@sha256:0"
    assert container["securityContext"] == {
        "allowPrivilegeEscalation": False,
        "readOnlyRootFilesystem": True,
        "capabilities": {"drop": ["ALL"]},
    }


def test_its_service_is_at_its_node_port() -> None:
    with recording() as recorder:
        run(lambda: serve(local()))
    spec = recorder.named("git-service")["spec"]
    assert (spec["type"], spec["ports"][0]["nodePort"], spec["ports"][0]["port"]) == ("NodePort", 30082, 80)


def test_a_load_balancer_keeps_off_the_internet() -> None:
    with recording() as recorder:
        run(lambda: serve(Exposure("LoadBalancer", {}, {"internal": "true"})))
    service = recorder.named("git-service")
    assert service["metadata"]["annotations"] == {"internal": "true"}
    assert "nodePort" not in service["spec"]["ports"][0]


def test_other_credentials_are_another_pod() -> None:
    stamps = []
    for password in ("one", "two", "two"):
        with recording() as recorder:
            run(lambda password=password: GitServer("git", GitServerArgs("i", password, "w", local())))
        stamps.append(recorder.named("git-server")["spec"]["template"]["metadata"]["annotations"])
    assert stamps[0] != stamps[1] == stamps[2]


def test_the_password_file_is_always_the_same() -> None:
    assert htpasswd("password") == "slipway:{SHA}W6ph5Mm5Pz8GgiULbPgzG37mj9g=\n"
