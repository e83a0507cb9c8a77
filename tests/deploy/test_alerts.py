"""The alert rules and the dashboard: they are what the documents say, and say what they promise to a Prometheus."""

import asyncio
import json
import re
import shutil
from asyncio.subprocess import PIPE, STDOUT
from pathlib import Path
from typing import Any, Final

import pytest
import yaml
from process import ROOT

RULES: Final = ROOT / "deploy" / "alerts.yml"
ALERTS: Final[list[dict[str, Any]]] = yaml.safe_load(RULES.read_text("utf-8"))["groups"][0]["rules"]
PANELS: Final = json.loads((ROOT / "deploy" / "grafana-dashboard.json").read_text("utf-8"))["panels"]
SHOWN: Final = [target["expr"] for panel in PANELS for target in panel["targets"]]
ALL, ONE = "fileflare_bot_cluster", "1"  # what Grafana puts in place of $cluster

# In every process of two clusters and a standby, and in a process without clusters, all is well.
CALM: Final = {
    'up{job="fileflare-bot",instance="a"}': "1x20",
    **{f'fileflare_bot_gateway_connected{{instance="{name}"}}': "1x20" for name in "abd"},
    'fileflare_bot_gateway_connected{instance="c"}': "0x20",  # it stands by, after it had a cluster
    'fileflare_bot_cluster{instance="a"}': "0x20",
    'fileflare_bot_cluster{instance="b"}': "1x20",
    'fileflare_bot_cluster{instance="c"}': "-1x20",
    'fileflare_bot_database_connected{instance="a"}': "1x20",
    'fileflare_bot_breaker{instance="a"}': "0x20",
    'fileflare_bot_answers_total{event="lookup",outcome="place_reserved",instance="a"}': "7x20",
    'fileflare_bot_answers_total{event="lookup",outcome="bug",instance="a"}': "0x20",
    'fileflare_bot_acknowledgement_seconds_bucket{le="1",instance="a"}': "0+60x20",
    'fileflare_bot_acknowledgement_seconds_bucket{le="3",instance="a"}': "0+60x20",
    'fileflare_bot_acknowledgement_seconds_bucket{le="+Inf",instance="a"}': "0+60x20",
    'fileflare_bot_session_starts_left{instance="a"}': "900x20",
    'fileflare_bot_session_starts_left{instance="e"}': "0x20",  # it has stood by since its start, so it has not asked
}
# What differs when an alert must fire.
FIRING: Final = {
    "FileflareBotGone": {'up{job="fileflare-bot",instance="a"}': "0x20"},
    "FileflareBotOffline": {'fileflare_bot_gateway_connected{instance="d"}': "0x20"},
    "FileflareBotDatabaseAway": {'fileflare_bot_database_connected{instance="a"}': "0x20"},
    "FileflareDown": {'fileflare_bot_breaker{instance="a"}': "2 1 2 2 1 2 2 1 2 2 1 2 2 1 2"},
    "FileflareBotLineFull": {
        'fileflare_bot_answers_total{event="lookup",outcome="place_reserved",instance="a"}': "0+1x20"
    },
    "FileflareBotSlow": {'fileflare_bot_acknowledgement_seconds_bucket{le="1",instance="a"}': "0+30x20"},
    "FileflareBotBug": {'fileflare_bot_answers_total{event="lookup",outcome="bug",instance="a"}': "1x20"},
    "FileflareBotWithoutStandby": {'fileflare_bot_cluster{instance="c"}': "_x20"},
    "FileflareBotSessionStartsLow": {'fileflare_bot_session_starts_left{instance="a"}': "99x20"},
}


async def promtool(*arguments: str) -> tuple[int | None, str]:
    """Return the exit code of Prometheus's own tool, and what it prints."""
    if shutil.which("promtool") is None:
        pytest.skip("promtool is not installed (Debian's package prometheus)")
    process = await asyncio.create_subprocess_exec("promtool", *arguments, stdout=PIPE, stderr=STDOUT)
    printed = (await asyncio.wait_for(process.communicate(), timeout=60))[0].decode()
    return process.returncode, printed


def series(given: dict[str, str]) -> list[dict[str, str]]:
    return [{"series": name, "values": values} for name, values in given.items()]


def test_the_documents_name_the_same_alerts_as_the_rules() -> None:
    table = (ROOT / "docs" / "operators.md").read_text("utf-8").split("| Alert if, for 5 minutes |")[1].split("\n\n")[0]
    rows = re.findall(r"^\| `(.+?)` \| (.+) \|$", table, re.MULTILINE)

    assert [(alert["expr"], alert["annotations"]["description"]) for alert in ALERTS] == [
        (expression, meaning.replace("`", "")) for expression, meaning in rows
    ]
    assert {alert["for"] for alert in ALERTS} == {"5m"}


async def test_each_alert_fires_when_it_must_and_none_while_all_is_well(tmp_path: Path) -> None:
    cases = {"calm": {}, **FIRING}
    assert [*FIRING] == [alert["alert"] for alert in ALERTS]
    test = {
        "rule_files": [str(RULES)],
        "evaluation_interval": "1m",
        "tests": [
            {
                "name": firing,
                "interval": "1m",
                "input_series": series(CALM | differing),
                "alert_rule_test": [
                    {"eval_time": "12m", "alertname": alert["alert"], "exp_alerts": expected(alert, differing)}
                    for alert in ALERTS
                    if firing in {"calm", alert["alert"]}
                ],
            }
            for firing, differing in cases.items()
        ],
    }
    (tmp_path / "test.yml").write_text(yaml.safe_dump(test), "utf-8")

    for arguments in (("check", "rules", str(RULES)), ("test", "rules", str(tmp_path / "test.yml"))):
        code, printed = await promtool(*arguments)
        assert code == 0, printed


def expected(alert: dict[str, Any], differing: dict[str, str]) -> list[dict[str, Any]]:
    """Return what must fire: one alert, with the labels of the series that differs unless the rule sums them up."""
    if not differing:
        return []
    ((name, _),) = differing.items()
    summed = re.match(r"(sum|min|count|histogram_quantile)\(", alert["expr"])
    labels = {} if summed else dict(re.findall(r'(\w+)="([^"]*)"', name))
    return [{"exp_labels": labels | alert["labels"], "exp_annotations": alert["annotations"]}]


async def test_the_dashboard_shows_all_processes_or_those_of_a_cluster(tmp_path: Path) -> None:
    groups = [
        {"name": chosen, "rules": [{"record": "shown", "expr": filled(expression, chosen)} for expression in SHOWN]}
        for chosen in (ALL, ONE)
    ]
    (tmp_path / "panels.yml").write_text(yaml.safe_dump({"groups": groups}), "utf-8")
    (waiting,) = [expression for expression in SHOWN if expression.startswith("fileflare_bot_waiting ")]
    of_a_cluster = {f'fileflare_bot_cluster{{instance="{name}"}}': f"{at}x9" for name, at in (("a", 0), ("b", 1))}
    everywhere = {f'fileflare_bot_waiting{{instance="{name}"}}': "4x9" for name in "abz"}  # z has no clusters
    shown = {ALL: "abz", ONE: "bz"}
    test = {
        "tests": [
            {
                "input_series": series(of_a_cluster | everywhere),
                "promql_expr_test": [
                    {
                        "expr": filled(waiting, chosen),
                        "eval_time": "5m",
                        "exp_samples": [
                            {"labels": f'fileflare_bot_waiting{{instance="{name}"}}', "value": 4} for name in names
                        ],
                    }
                    for chosen, names in shown.items()
                ],
            }
        ]
    }
    (tmp_path / "test.yml").write_text(yaml.safe_dump(test), "utf-8")

    for arguments in (("check", "rules", "--lint=none", "panels.yml"), ("test", "rules", "test.yml")):
        code, printed = await promtool(*arguments[:-1], str(tmp_path / arguments[-1]))
        assert code == 0, printed


def filled(expression: str, cluster: str) -> str:
    """Return a panel's expression as Grafana sends it."""
    return expression.replace("$cluster", cluster).replace("$shard", ".*")
