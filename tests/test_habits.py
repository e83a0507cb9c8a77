"""The checks, workflows and issue forms that contributors and reporters rely on agree with each other."""

import re
import shutil
import subprocess
import tomllib
from collections.abc import Iterator
from itertools import pairwise
from pathlib import Path
from typing import Any

import pytest
import yaml
from packaging.requirements import Requirement
from packaging.utils import canonicalize_name

ROOT = Path(__file__).parents[1]
GITHUB = ROOT / ".github"
FORMS = [GITHUB / "ISSUE_TEMPLATE" / name for name in ("bug.yml", "feature.yml")]
WORKFLOWS = sorted((GITHUB / "workflows").iterdir())
NEWEST_PYTHON = 14
MAKEFILE = (ROOT / "Makefile").read_text("utf-8")


def load(path: Path) -> dict[str, Any]:
    loaded = yaml.safe_load(path.read_text("utf-8"))
    assert isinstance(loaded, dict)
    return loaded


def checks() -> list[list[str]]:
    """Return the commands of ``make check``, with the files that their patterns stand for."""
    recipe = re.search(r"^check:.*\n((?:\t.*\n)+)", MAKEFILE, re.MULTILINE)
    assert recipe is not None
    commands = [line.replace("$(BIN)", ".venv/bin").split() for line in recipe[1].splitlines()]
    return [[name for word in command for name in expand(word)] for command in commands]


def expand(word: str) -> list[str]:
    return sorted(path.relative_to(ROOT).as_posix() for path in ROOT.glob(word)) if "*" in word else [word]


def hooks() -> list[list[str]]:
    """Return the commands of pre-commit, with the files that it passes to them."""
    paths = [path for path in (*ROOT.iterdir(), *GITHUB.rglob("*"), *(ROOT / "deploy").rglob("*")) if path.is_file()]
    names = sorted(path.relative_to(ROOT).as_posix() for path in paths)
    return [
        hook["entry"].split()
        + [name for name in names if hook.get("pass_filenames", True) and re.search(hook["files"], name)]
        for repo in load(ROOT / ".pre-commit-config.yaml")["repos"]
        for hook in repo["hooks"]
    ]


def strings(node: object) -> Iterator[str]:
    if isinstance(node, dict):
        node = list(node.values())
    if isinstance(node, list):
        for child in node:
            yield from strings(child)
    else:
        yield str(node)


def words_of(workflow: Path) -> list[str]:
    return [word for text in strings(load(workflow)) for word in text.split()]


def steps(workflow: Path) -> list[dict[str, Any]]:
    return [step for job in load(workflow)["jobs"].values() for step in job.get("steps", [])]


def test_pre_commit_runs_every_tool_that_make_check_runs_on_the_same_files() -> None:
    assert hooks() == checks()
    assert len(checks()) >= 10


@pytest.mark.parametrize("path", [*GITHUB.rglob("*.yml"), ROOT / "compose.yaml"], ids=lambda path: path.name)
def test_make_check_knows_the_schema_of_every_file_that_github_and_compose_read(path: Path) -> None:
    name = path.relative_to(ROOT).as_posix()

    assert [command for command in checks() if command[1:2] == ["--builtin-schema"] and name in command]


def test_make_run_installs_only_what_the_bot_needs(tmp_path: Path) -> None:
    for lock in ("requirements.lock", "requirements-dev.lock"):
        (tmp_path / lock).touch()
    make = shutil.which("make")
    assert make is not None

    printed = subprocess.run(  # noqa: S603 - the project's own Makefile, which -n only prints
        [make, "-n", "-f", ROOT / "Makefile", "run"], cwd=tmp_path, capture_output=True, text=True, check=True
    ).stdout

    assert "-r requirements.lock" in printed
    assert "requirements-dev.lock" not in printed


@pytest.mark.parametrize("lock", ["requirements.lock", "requirements-dev.lock"])
def test_a_lock_holds_a_version_that_pyproject_asks_for(lock: str) -> None:
    project = tomllib.loads((ROOT / "pyproject.toml").read_text("utf-8"))["project"]
    asked = project["dependencies"] + (project["optional-dependencies"]["dev"] if "dev" in lock else [])
    pinned = dict(re.findall(r"^([\w.-]+)(?:\[[\w,-]+\])?==([^\s;]+)", (ROOT / lock).read_text("utf-8"), re.MULTILINE))

    for requirement in map(Requirement, asked):
        assert pinned[canonicalize_name(requirement.name)] in requirement.specifier, str(requirement)


def test_every_supported_python_is_tested() -> None:
    project = tomllib.loads((ROOT / "pyproject.toml").read_text("utf-8"))["project"]
    oldest = int(project["requires-python"].removeprefix(">=3."))
    matrix = load(GITHUB / "workflows" / "ci.yml")["jobs"]["test"]["strategy"]["matrix"]

    assert matrix["python"] == [f"3.{minor}" for minor in range(oldest, NEWEST_PYTHON + 1)]


def test_the_workflows_run_what_the_readme_tells_a_newcomer_to_run() -> None:
    readme = (ROOT / "README.md").read_text("utf-8")
    promised = re.findall(r"^make \w+", readme.split("## Try it")[1].split("\n## ")[0], re.MULTILINE)
    run = [step["run"] for step in steps(GITHUB / "workflows" / "ci.yml") if "run" in step]

    assert promised == ["make demo", "make test"]
    assert run == [".ci/install", ".ci/demo", "make check", "make test"]
    assert "\nmake demo " in (ROOT / ".ci" / "demo").read_text("utf-8")


@pytest.mark.parametrize("workflow", WORKFLOWS, ids=lambda path: path.name)
def test_every_file_and_target_that_a_workflow_names_exists(workflow: Path) -> None:
    words = words_of(workflow)
    files = [word for word in words if re.fullmatch(r"\.[\w./-]+|[\w./-]+\.(lock|py|toml|txt|yml)", word)]
    targets = [after for word, after in pairwise(words) if word == "make"]

    assert files
    assert [name for name in files if not (ROOT / name).exists()] == []
    assert [name for name in targets if not re.search(rf"^{name}:", MAKEFILE, re.MULTILINE)] == []


@pytest.mark.parametrize("workflow", WORKFLOWS, ids=lambda path: path.name)
def test_a_workflow_keeps_no_credentials_and_may_write_only_where_it_publishes(workflow: Path) -> None:
    loaded = load(workflow)
    allowed = {name: job["permissions"] for name, job in loaded["jobs"].items() if "permissions" in job}
    checkouts = [step for step in steps(workflow) if step.get("uses", "").startswith("actions/checkout@")]

    assert loaded["permissions"] == {"contents": "read"}
    assert allowed == ({"image": {"contents": "read", "packages": "write"}} if workflow.stem == "release" else {})
    assert checkouts
    assert all(step["with"]["persist-credentials"] is False for step in checkouts)


def test_a_release_is_published_only_after_the_checks_and_the_tests() -> None:
    jobs = load(GITHUB / "workflows" / "release.yml")["jobs"]

    assert jobs["ci"]["uses"] == "./.github/workflows/ci.yml"
    assert jobs["image"]["needs"] == "ci"


def test_a_bug_report_asks_for_the_version_and_what_store_status_says() -> None:
    fields = {field.get("id"): field for field in load(FORMS[0])["body"]}

    assert fields["version"]["validations"]["required"]
    assert "/store status" in fields["status"]["attributes"]["label"]
    assert fields["status"]["validations"]["required"]


def test_a_bug_report_sends_security_problems_to_private_reporting() -> None:
    text = FORMS[0].read_text("utf-8")

    assert "SECURITY.md" in text
    assert "Report a vulnerability" in text
    assert "**Report a vulnerability**" in (ROOT / "SECURITY.md").read_text("utf-8")
    assert load(GITHUB / "ISSUE_TEMPLATE" / "config.yml")["blank_issues_enabled"] is False


@pytest.mark.parametrize("form", FORMS, ids=lambda path: path.name)
def test_an_issue_form_warns_of_secrets_first_and_asks_to_confirm_there_are_none(form: Path) -> None:
    body = load(form)["body"]
    confirmed = [option for field in body if field["type"] == "checkboxes" for option in field["attributes"]["options"]]

    assert body[0]["type"] == "markdown"
    assert "**Never paste an order link, an order ID or a token here.**" in body[0]["attributes"]["value"]
    assert [option["label"] for option in confirmed if option["required"]]
    assert all(word in confirmed[0]["label"] for word in ("no order link", "no order ID", "no token"))


@pytest.mark.parametrize("form", FORMS, ids=lambda path: path.name)
def test_no_field_of_an_issue_form_asks_for_an_order_link_an_id_or_a_token(form: Path) -> None:
    fields = [field for field in load(form)["body"] if field["type"] not in {"markdown", "checkboxes"}]

    assert fields
    for field in fields:
        asked = " ".join(strings(field)).lower()
        assert not re.search(r"\b(order|link|url|address|token|e-?mail)\b", asked), asked
