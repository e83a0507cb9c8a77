"""What compose.yaml and the Kubernetes manifests promise; `make check` compares both with their schemas."""

import asyncio
import re
import sys
from asyncio.subprocess import PIPE
from pathlib import Path
from typing import Any, Final

import pytest
import yaml
from process import ROOT
from storage.samples import settings

from fileflare_bot.app import DRAIN_SECONDS, LAST_STEPS_SECONDS, LEAVE_SECONDS
from fileflare_bot.interactions.responder import LAST_WORDS_SECONDS

KUBERNETES: Final = ROOT / "deploy" / "kubernetes"
COMPOSE: Final[dict[str, Any]] = yaml.safe_load((ROOT / "compose.yaml").read_text("utf-8"))
SERVICES: Final[dict[str, Any]] = COMPOSE["services"]
OF_THE_CLUSTER: Final = [SERVICES[name] for name in ("bot", "second", "standby")]
LONGEST_STOP: Final = LEAVE_SECONDS + DRAIN_SECONDS + 2 * (LAST_WORDS_SECONDS + LAST_STEPS_SECONDS)
CLOSING_SECONDS: Final = 5  # for the connections and the database, on a busy machine


def manifest(name: str) -> dict[str, Any]:
    loaded = yaml.safe_load((KUBERNETES / name).read_text("utf-8"))
    assert isinstance(loaded, dict)
    return loaded


def lines(path: Path) -> dict[str, str]:
    """Return the settings of a file such as .env.example."""
    return dict(
        line.split("=", 1) for line in path.read_text("utf-8").splitlines() if "=" in line and not line.startswith("#")
    )


def test_without_a_profile_compose_starts_the_bot_alone_with_its_env() -> None:
    assert [name for name, service in SERVICES.items() if "profiles" not in service] == ["bot"]
    assert SERVICES["bot"]["env_file"] == [".env", {"path": "cluster.env", "required": False}]
    assert SERVICES["bot"]["depends_on"]["postgres"]["required"] is False
    assert SERVICES["bot"]["volumes"] == ["data:/app/data"]


def test_the_profile_cluster_runs_as_many_processes_as_there_are_clusters_and_one_more_all_with_the_same_settings() -> (
    None
):
    of_the_profile = [name for name, service in SERVICES.items() if service.get("profiles") == ["cluster"]]
    given = lines(ROOT / "deploy" / "cluster.env.example")

    assert of_the_profile == ["second", "standby", "postgres"]
    assert len(OF_THE_CLUSTER) == int(given["CLUSTERS"]) + 1
    for service in OF_THE_CLUSTER[1:]:
        assert service["env_file"] == [".env", "cluster.env"], "without it the profile does not start"
        assert {**service, "env_file": 0, "profiles": 0} == {**SERVICES["bot"], "env_file": 0, "profiles": 0}
    assert given["POSTGRES_PASSWORD"] == "", "PostgreSQL's image refuses an empty one"
    assert given["DATABASE_URL"].endswith("@postgres/fileflare")


def test_nothing_that_stops_the_bot_kills_it_while_it_still_ends_its_replies() -> None:
    allowed = [service["stop_grace_period"].removesuffix("s") for service in OF_THE_CLUSTER]
    unit = lines(ROOT / "deploy" / "fileflare-bot.service")["TimeoutStopSec"]
    guide = (ROOT / "docs" / "operators.md").read_text("utf-8")
    given = re.findall(r"--stop-timeout (\d+)", guide)

    assert given
    for seconds in (*allowed, unit, *given):
        assert int(seconds) >= LONGEST_STOP + CLOSING_SECONDS


def test_the_profiles_postgresql_has_a_health_check_and_keeps_its_data() -> None:
    postgres = SERVICES["postgres"]

    assert postgres["healthcheck"]["test"][:2] == ["CMD", "pg_isready"]
    assert {*COMPOSE["volumes"]} == {"data", "postgres"}
    assert postgres["volumes"] == ["postgres:/var/lib/postgresql/data"]
    assert "ports" not in postgres
    for service in OF_THE_CLUSTER:
        assert service["depends_on"]["postgres"]["condition"] == "service_healthy"


async def test_the_bot_refuses_each_value_of_the_secret_that_was_not_filled_in(tmp_path: Path) -> None:
    given = manifest("secret.yaml.example")["stringData"]

    process = await asyncio.create_subprocess_exec(
        *(sys.executable, str(ROOT / "bot.py")), stdout=PIPE, stderr=PIPE, cwd=tmp_path, env=given
    )
    output, errors = await asyncio.wait_for(process.communicate(), timeout=30)

    assert (process.returncode, output) == (2, b"")
    told = errors.decode().splitlines()
    assert [line.split()[0] for line in told] == sorted(given) == ["DATABASE_URL", "DISCORD_TOKEN", "SECRET_KEYS"]
    assert all(f"For example: {name}=" in line for name, line in zip(sorted(given), told, strict=True))
    for value in given.values():
        assert value not in errors.decode()


def test_the_deployments_settings_are_the_bots_own() -> None:
    (container,) = manifest("deployment.yaml")["spec"]["template"]["spec"]["containers"]
    given = {setting["name"].lower(): setting["value"] for setting in container["env"]}

    understood = settings("postgresql://user@host/name", **given).model_dump()

    assert {*given} - {*understood} <= {"clusters"}
    assert {name: str(understood.get(name, value)) for name, value in given.items()} == given
    assert container["ports"] == [{"name": "metrics", "containerPort": int(given["metrics_port"])}]


def test_the_deployment_runs_one_process_more_than_clusters_as_nobody_who_may_write_anywhere() -> None:
    deployment = manifest("deployment.yaml")["spec"]
    pod = deployment["template"]["spec"]
    (container,) = pod["containers"]

    assert deployment["replicas"] == int(next(s["value"] for s in container["env"] if s["name"] == "CLUSTERS")) + 1
    assert deployment["strategy"]["rollingUpdate"] == {"maxSurge": 1, "maxUnavailable": 0}
    assert pod["terminationGracePeriodSeconds"] >= LONGEST_STOP + CLOSING_SECONDS
    assert pod["securityContext"]["runAsNonRoot"] is True
    assert f"USER {pod['securityContext']['runAsUser']}\n" in (ROOT / "Dockerfile").read_text("utf-8")
    assert container["securityContext"] == {
        "allowPrivilegeEscalation": False,
        "readOnlyRootFilesystem": True,
        "capabilities": {"drop": ["ALL"]},
    }
    assert container["envFrom"] == [{"secretRef": {"name": manifest("secret.yaml.example")["metadata"]["name"]}}]
    assert {*container["resources"]} == {"requests", "limits"}
    probes = {name: container[f"{name}Probe"]["httpGet"]["path"] for name in ("startup", "liveness", "readiness")}
    assert probes == {"startup": "/healthz", "liveness": "/healthz", "readiness": "/readyz"}


@pytest.mark.parametrize("name", ["deployment.yaml", "poddisruptionbudget.yaml", "networkpolicy.yaml"])
def test_every_manifest_selects_the_deployments_pods(name: str) -> None:
    spec = manifest(name)["spec"]
    labels = manifest("deployment.yaml")["spec"]["template"]["metadata"]["labels"]

    assert (spec.get("selector") or spec.get("podSelector")) == {"matchLabels": labels}


def test_the_network_policy_lets_out_names_https_and_postgresql_and_in_metrics_alone() -> None:
    policy = manifest("networkpolicy.yaml")["spec"]

    assert policy["policyTypes"] == ["Ingress", "Egress"]
    assert [rule["ports"] for rule in policy["ingress"]] == [[{"protocol": "TCP", "port": 9090}]]
    assert [[port["port"] for port in rule["ports"]] for rule in policy["egress"]] == [[53, 53], [443], [5432]]
    assert all(rule["to"] for rule in policy["egress"])
    (https,) = [rule["to"] for rule in policy["egress"] if rule["ports"][0]["port"] == 443]
    assert all(peer["ipBlock"]["except"] for peer in https), "not to addresses inside the cluster"
