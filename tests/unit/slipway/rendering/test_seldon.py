"""The SeldonDeployment; that the operator takes it is shown on a real cluster (tests/cluster/)."""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import replace
from typing import Any

from slipway.release.record import Published, Record
from slipway.rendering import seldon
from slipway.rendering.served import Served
from slipway.rendering.settings import RequestLog
from tests.toy_platform import IMAGES, RELEASES
from tests.unit.slipway.rendering.conftest import ALONE, TWO

Production = Callable[[Record], Served]


def predictors(served: Served) -> list[dict[str, Any]]:
    return list(seldon.deployment(served)["spec"]["predictors"])


def container(predictor: dict[str, Any]) -> dict[str, Any]:
    (spec,) = predictor["componentSpecs"]
    (only,) = spec["spec"]["containers"]
    return dict(only)


def variables(predictor: dict[str, Any]) -> dict[str, Any]:
    return {entry["name"]: entry.get("value", entry.get("valueFrom")) for entry in container(predictor)["env"]}


def test_there_is_a_predictor_for_each_release(production: Production) -> None:
    champion, challenger = predictors(production(TWO))
    assert (champion["name"], challenger["name"]) == (f"{RELEASES[0][:8]}-111111", f"{RELEASES[1][:8]}-222222")
    assert champion["traffic"] + challenger["traffic"] == 100
    for predictor, release, image in zip((champion, challenger), RELEASES, IMAGES, strict=False):
        assert predictor["annotations"]["slipway.release"] == release
        assert predictor["labels"]["slipway.release"] == release[:12]
        assert predictor["annotations"]["seldon.io/no-engine"] == "true"
        assert container(predictor)["image"].endswith(image)
        assert container(predictor)["args"][0] == f"/release/{release}"


def test_another_image_of_the_champion_s_release_is_a_predictor_beside_it(production: Production) -> None:
    again = ALONE.promoted(Published(release=RELEASES[0], image=IMAGES[1])).advanced(25)
    (alone,), (champion, challenger) = predictors(production(ALONE)), predictors(production(again))
    assert {**champion, "traffic": 100} == alone
    assert container(challenger)["image"].endswith(IMAGES[1])
    names = [predictor["annotations"]["seldon.io/svc-name"] for predictor in (champion, challenger)]
    assert len({champion["name"], challenger["name"]}) == len(set(names)) == 2
    assert champion["labels"] == challenger["labels"]


def test_a_challenger_that_becomes_champion_is_not_started_again(production: Production) -> None:
    _, challenger = predictors(production(TWO))
    (crowned,) = predictors(production(Record(champion=_published(TWO), challenger=None)))
    assert {**crowned, "traffic": 0} == {**challenger, "traffic": 0}


def _published(record: Record) -> Published:
    assert record.challenger is not None
    return Published(release=record.challenger.release, image=record.challenger.image)


def test_the_container_keeps_the_restricted_pod_security_standard(production: Production) -> None:
    (predictor,) = predictors(production(ALONE))
    context = container(predictor)["securityContext"]
    assert context["runAsNonRoot"] is True
    assert context["runAsUser"] > 0
    assert context["allowPrivilegeEscalation"] is False
    assert context["capabilities"] == {"drop": ["ALL"]}
    assert context["seccompProfile"] == {"type": "RuntimeDefault"}
    assert set(container(predictor)["resources"]) == {"requests", "limits"}


def test_what_a_server_says_before_it_ends_is_in_the_pod_s_status(production: Production) -> None:
    for predictor in predictors(production(TWO)):
        assert container(predictor)["terminationMessagePolicy"] == "FallbackToLogsOnError"


def test_no_shell_runs_and_there_is_time_to_drain(production: Production) -> None:
    (predictor,) = predictors(production(ALONE))
    assert set(container(predictor)["lifecycle"]["preStop"]) == {"httpGet"}
    arguments = container(predictor)["args"]
    waits = [float(arguments[arguments.index(name) + 1]) for name in ("--unready-seconds", "--drain-seconds")]
    # The drain of connections, and then as long again for the request log.
    assert predictor["componentSpecs"][0]["spec"]["terminationGracePeriodSeconds"] >= waits[0] + 2 * waits[1]


def test_replicas_are_the_autoscaler_s_where_there_is_one(production: Production) -> None:
    scaled = production(ALONE)
    fixed = replace(scaled, settings=scaled.settings.model_copy(update={"autoscaling": None, "replicas": 3}))
    assert "replicas" not in predictors(scaled)[0]
    assert predictors(fixed)[0]["replicas"] == 3


def with_log(served: Served, log: RequestLog | None, keys: dict[str, str] | None = None) -> dict[str, Any]:
    settings = served.settings.model_copy(update={"request_log": log})
    (predictor,) = predictors(replace(served, settings=settings, keys=keys or {}))
    return predictor


def volumes(predictor: dict[str, Any]) -> set[str]:
    return {volume["name"] for volume in predictor["componentSpecs"][0]["spec"]["volumes"]}


def test_the_request_log_brings_its_secrets(production: Production) -> None:
    served = production(ALONE)
    none = with_log(served, None)
    assert (variables(none), volumes(none)) == ({}, {"tmp"})
    log = RequestLog(secret="request-log", namespace="nats", port=4222, token_key="token")
    all_of_it = with_log(served, log)
    assert variables(all_of_it) == {
        "SLIPWAY_REQUEST_LOG": {"secretKeyRef": {"name": "request-log", "key": "url"}},
        "SLIPWAY_SPOOL": "/var/spool/slipway",
        "SLIPWAY_TOKEN_KEY": "/run/secrets/token/token.key",
    }
    assert volumes(all_of_it) == {"tmp", "spool", "token"}
    mounts = {mount["name"] for mount in container(all_of_it)["volumeMounts"]}
    assert mounts == volumes(all_of_it)


def test_a_key_ring_is_mounted_and_asked(production: Production) -> None:
    predictor = with_log(production(ALONE), None, {"keys.yaml": "keys: []"})
    assert variables(predictor) == {"SLIPWAY_KEY": "/etc/slipway/keys"}
    assert volumes(predictor) == {"tmp", "keys"}
