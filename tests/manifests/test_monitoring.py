"""Rules and dashboards as code: they parse, fire when they should, and Prometheus may look where it is told to."""

from __future__ import annotations

import json
import os
import subprocess
from pathlib import Path

import yaml

from slipway.request_log.settings import STREAM, SUBJECTS
from tests.manifests.building import Manifest
from tests.nats_server import PROGRAM

RULES = Path("gitops/addons/monitoring/rules")
HERE = Path(__file__).parent


def _check(*command: str) -> None:
    done = subprocess.run(command, capture_output=True, text=True, check=False)
    assert done.returncode == 0, done.stdout + done.stderr


def test_rules_are_valid_and_fire_when_they_should(promtool: str) -> None:
    _check(promtool, "check", "rules", *map(str, RULES.glob("*.yml")))
    _check(promtool, "test", "rules", *map(str, (HERE / "rules").glob("*.yml")))


def test_every_alert_is_tested_and_says_what_to_do() -> None:
    tested = {
        case["alertname"]
        for file in (HERE / "rules").glob("*.yml")
        for test in yaml.safe_load(file.read_text())["tests"]
        for case in test.get("alert_rule_test", [])
        if case.get("exp_alerts")
    }
    alerts = {
        rule["alert"]: rule
        for file in RULES.glob("*.yml")
        for group in yaml.safe_load(file.read_text())["groups"]
        for rule in group["rules"]
        if "alert" in rule
    }
    assert tested == set(alerts)
    for rule in alerts.values():
        assert set(rule["annotations"]) == {"summary", "description"}
        assert rule["labels"]["severity"] in {"critical", "warning"}


def test_dashboards_ask_what_prometheus_understands(promtool: str, tmp_path: Path) -> None:
    files = list(Path("gitops/addons/grafana-dashboards/dashboards").glob("*.json"))
    assert files
    for file in files:
        panels = json.loads(file.read_text())["panels"]
        expressions = [target["expr"] for panel in panels for target in panel["targets"]]
        rules = [{"record": f"panel:{number}", "expr": expression} for number, expression in enumerate(expressions)]
        made = tmp_path / f"{file.stem}.yml"
        made.write_text(yaml.safe_dump({"groups": [{"name": file.stem, "rules": rules}]}))
        _check(promtool, "check", "rules", str(made))


def test_prometheus_may_look_where_it_is_told_to(
    delivered: dict[str, list[Manifest]], delivered_manifests: list[Manifest]
) -> None:
    config = next(one for one in delivered["monitoring"] if "prometheus.yml" in one.get("data", {}))
    jobs = yaml.safe_load(config["data"]["prometheus.yml"])["scrape_configs"]
    told = {name for job in jobs for sd in job.get("kubernetes_sd_configs", []) for name in sd["namespaces"]["names"]}
    bound = {
        one["metadata"]["namespace"]
        for one in delivered_manifests
        if one["kind"] == "RoleBinding" and one["roleRef"]["name"] == "prometheus-pods"
    }
    assert told == bound
    assert {"staging", "production"} <= told


def test_nats_takes_its_configuration_and_knows_the_stream(
    delivered: dict[str, list[Manifest]], tmp_path: Path
) -> None:
    config = next(one["data"]["nats.conf"] for one in delivered["nats"] if one["kind"] == "ConfigMap")
    file = tmp_path / "nats.conf"
    file.write_text(config)
    passwords = {
        "SERVER_PASSWORD": '"12e4"',
        "COLLECTOR_PASSWORD": '"x"',
        "CANARY_PASSWORD": '"y"',
        "POD_NAME": "nats-0",
    }
    done = subprocess.run(
        [PROGRAM, "-t", "-c", str(file)], env={**os.environ, **passwords}, capture_output=True, text=True, check=False
    )
    assert done.returncode == 0, done.stderr
    assert f'"{SUBJECTS}.>"' in config
    assert f'"$JS.API.STREAM.CREATE.{STREAM}"' in config
