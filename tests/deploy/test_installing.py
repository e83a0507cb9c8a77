"""The Pterodactyl egg and the systemd unit: their own commands install and start the bot.

Paths begin in the test's folder, and what needs another computer is replaced: apt-get, useradd, chown and systemctl do
nothing, sudo runs its command as the same user, and pip finds the packages of requirements.lock installed already. So
no package is downloaded or checked against its hash, and no sandbox of systemd's or Docker's is entered.
"""

import asyncio
import configparser
import importlib.metadata
import json
import os
import re
import shlex
import shutil
import signal
import sys
from asyncio.subprocess import PIPE, STDOUT
from collections.abc import AsyncIterator, Awaitable, Callable
from pathlib import Path
from typing import Any, Final

import pytest
from doubles.faulty_fileflare import FaultyFileflare
from doubles.loopback_discord import LoopbackDiscord
from doubles.loopback_payloads import TOKEN
from process import FOUND, ROOT, Bot, ask

EGG: Final[dict[str, Any]] = json.loads((ROOT / "deploy" / "pterodactyl-egg.json").read_text("utf-8"))
UNIT: Final = (ROOT / "deploy" / "fileflare-bot.service").read_text("utf-8")
OPERATORS: Final = (ROOT / "docs" / "operators.md").read_text("utf-8")
INSTALL_SECONDS: Final = 120.0
STAND_INS: Final = {
    "sudo": 'exec "$@"',
    "python3": f'exec {shlex.quote(sys.executable)} "$@"',
    **dict.fromkeys(("apt-get", "useradd", "chown", "systemctl", "journalctl"), 'echo "${0##*/} $*"'),
}

Run = Callable[..., Awaitable[str]]
StartIn = Callable[..., Awaitable[Bot]]


@pytest.fixture
def clone(tmp_path: Path) -> Path:
    """A clone of the repository with what the bot runs on."""
    folder = tmp_path / "clone"
    folder.mkdir()
    for name in ("bot.py", "requirements.lock", ".gitignore"):
        shutil.copy(ROOT / name, folder)
    for name in ("cogs", "fileflare_bot", "deploy"):
        shutil.copytree(ROOT / name, folder / name, ignore=shutil.ignore_patterns("__pycache__"))
    return folder


@pytest.fixture
def environment(tmp_path: Path) -> dict[str, str]:
    """The environment of the commands: the stand-ins, and the packages that requirements.lock names, no others."""
    stand_ins, packages = tmp_path / "bin", tmp_path / "packages"
    stand_ins.mkdir()
    packages.mkdir()
    for name, does in STAND_INS.items():
        (stand_ins / name).write_text(f"#!/bin/sh\n{does}\n", "utf-8")
        (stand_ins / name).chmod(0o755)
    for name in re.findall(r"^([\w.-]+)==", (ROOT / "requirements.lock").read_text("utf-8"), re.MULTILINE):
        try:
            files = importlib.metadata.files(name) or []
        except importlib.metadata.PackageNotFoundError:  # for another platform; pip says so if it is for this one
            continue
        for top in {file.parts[0] for file in files} - {"..", "__pycache__"}:
            if not (packages / top).exists():
                (packages / top).symlink_to(Path(str(importlib.metadata.distribution(name).locate_file(top))))
    return {
        "PATH": f"{stand_ins}:{os.environ['PATH']}",
        "HOME": str(tmp_path),
        "PYTHONPATH": str(packages),
        "PIP_CONFIG_FILE": os.devnull,
        "PIP_NO_INDEX": "1",
    }


@pytest.fixture
def run(environment: dict[str, str]) -> Run:
    """Run a script with bash, which must succeed, and return what it prints."""

    async def run_script(script: str, cwd: Path, **settings: str) -> str:
        process = await asyncio.create_subprocess_exec(
            *("bash", "-eu", "-c", script), cwd=cwd, stdout=PIPE, stderr=STDOUT, env=environment | settings
        )
        printed = (await asyncio.wait_for(process.communicate(), INSTALL_SECONDS))[0].decode()
        assert process.returncode == 0, printed
        return printed

    return run_script


@pytest.fixture
async def start_in(
    environment: dict[str, str], discord: LoopbackDiscord, sample: FaultyFileflare, tmp_path: Path
) -> AsyncIterator[StartIn]:
    """Start this command in this folder, with a Python that takes the stand-in for Discord."""
    (tmp_path / "stand-in").mkdir()
    (tmp_path / "stand-in" / "sitecustomize.py").write_text(
        "import discord, yarl\n"
        f"discord.http.Route.BASE = {discord.url!r}\n"
        f"discord.gateway.DiscordWebSocket.DEFAULT_GATEWAY = yarl.URL({discord.gateway_url!r})\n",
        "utf-8",
    )
    started: list[Bot] = []

    async def start(*command: str, cwd: Path, **settings: str) -> Bot:
        path = f"{tmp_path / 'stand-in'}:{environment['PYTHONPATH']}"
        given = {**environment, "PYTHONPATH": path, "FILEFLARE_BASE_URL": sample.url, **settings}
        process = await asyncio.create_subprocess_exec(*command, cwd=cwd, stdout=PIPE, stderr=STDOUT, env=given)
        started.append(Bot(process))
        return started[-1]

    yield start
    for bot in started:
        await bot.kill()


async def test_the_egg_installs_updates_and_starts_the_bot_and_its_stop_ends_it(
    run: Run, start_in: StartIn, clone: Path, discord: LoopbackDiscord, tmp_path: Path
) -> None:
    commit = "git init -q; git add .; git -c user.name=x -c user.email=x@example.com commit -qm x"
    await run(commit, clone)
    server, container = tmp_path / "mnt" / "server", tmp_path / "home" / "container"
    server.mkdir(parents=True)
    container.parent.mkdir()
    script = EGG["scripts"]["installation"]["script"].replace("/mnt/server", str(server))
    variables = {variable["env_variable"]: variable["default_value"] for variable in EGG["variables"]}
    variables |= {"GIT_ADDRESS": clone.as_uri(), "DISCORD_TOKEN": TOKEN}

    printed = await run(script, tmp_path, **variables)
    assert "Requirement already satisfied: discord-py" in printed
    (server / "data").mkdir()
    (server / "data" / "kept").touch()
    (server / ".env").touch()
    (clone / "cogs" / "added_since.py").touch()
    await run(commit, clone)
    await run(script, tmp_path, **variables)
    assert (server / "cogs" / "added_since.py").exists()
    assert (server / "data" / "kept").exists()
    assert (server / ".env").exists()

    server.rename(container)  # it runs elsewhere than it is installed
    startup = re.sub(r"\{\{(\w+)\}\}", r"${\1}", EGG["startup"])
    bot = await start_in("bash", "-c", "eval ${MODIFIED_STARTUP}", cwd=container, MODIFIED_STARTUP=startup, **variables)
    await discord.connected()
    assert await ask(discord) == FOUND
    await bot.says(json.loads(EGG["config"]["startup"])["done"])
    assert EGG["config"]["stop"] == "^C"
    assert await bot.stop(signal.SIGINT) == 0
    assert (container / "data" / "secret.key").exists()


def test_the_egg_has_what_a_panel_imports_and_installs_with_the_python_that_runs_it() -> None:
    assert EGG["meta"]["version"] == "PTDL_v2"
    assert {"name", "author", "description", "docker_images", "startup", "config", "scripts", "variables"} <= {*EGG}
    for name in ("files", "startup", "logs"):
        assert isinstance(json.loads(EGG["config"][name]), dict)
    ((label, image),) = EGG["docker_images"].items()
    version = label.removeprefix("Python ")
    assert image.endswith(f":python_{version}")
    assert EGG["scripts"]["installation"]["container"] == f"python:{version}-slim"
    assert f"FROM python:{version}-slim\n" in (ROOT / "Dockerfile").read_text("utf-8")
    for variable in EGG["variables"]:
        assert {*variable} == {
            *("name", "description", "env_variable", "default_value"),
            *("user_viewable", "user_editable", "rules", "field_type"),
        }


def moved(text: str, to: Path) -> str:
    """Return this text with the computer's folders in a folder of the test's."""
    return re.sub(r"/(opt|etc|var/lib)(?=/)", lambda found: f"{to}/{found[1]}", text)


async def test_the_documents_commands_and_the_unit_install_and_start_the_bot(
    run: Run, start_in: StartIn, clone: Path, discord: LoopbackDiscord, tmp_path: Path
) -> None:
    for folder in ("opt", "etc/systemd/system", "var/lib/fileflare-bot"):  # the last one is made by StateDirectory=
        (tmp_path / folder).mkdir(parents=True)
    (clone / ".env").write_text(f"DISCORD_TOKEN={TOKEN}\n", "utf-8")
    chapter = OPERATORS.split("\n### systemd\n")[1].split("\n### ")[0]

    printed = await run(moved("".join(re.findall(r"```sh\n(.+?)```", chapter, re.DOTALL)), tmp_path), clone)

    assert "Requirement already satisfied: discord-py" in printed
    assert "systemctl enable --now fileflare-bot" in printed
    installed = tmp_path / "etc" / "systemd" / "system" / "fileflare-bot.service"
    unit = configparser.RawConfigParser()
    unit.optionxform = str  # type: ignore[assignment,method-assign]  # its way to keep capitals
    unit.read_string(moved(installed.read_text("utf-8"), tmp_path))
    service = unit["Service"]
    assert f"useradd --system --no-create-home --shell /usr/sbin/nologin {service['User']}" in printed
    directory = Path(service["WorkingDirectory"])
    given = dict([service["Environment"].split("=", 1)])
    bot = await start_in(*shlex.split(service["ExecStart"]), cwd=directory, **given)
    await discord.connected()
    assert await ask(discord) == FOUND
    assert await bot.stop() == 0
    assert (tmp_path / "var" / "lib" / service["StateDirectory"] / "secret.key").exists()
    (directory / ".env").write_text("DISCORD_TOKEN=wrong\n", "utf-8")
    refused = await start_in(*shlex.split(service["ExecStart"]), cwd=directory, **given)
    assert await refused.end() == int(service["RestartPreventExitStatus"])


async def test_systemd_finds_nothing_wrong_in_the_unit(tmp_path: Path) -> None:
    if shutil.which("systemd-analyze") is None:
        pytest.skip("systemd is not installed")
    executable = tmp_path / "opt" / "fileflare-bot" / ".venv" / "bin" / "python"
    executable.parent.mkdir(parents=True)
    executable.touch(mode=0o755)
    unit = tmp_path / "fileflare-bot.service"
    unit.write_text(moved(UNIT, tmp_path), "utf-8")

    process = await asyncio.create_subprocess_exec(
        "systemd-analyze", "verify", "--man=no", str(unit), stdout=PIPE, stderr=STDOUT
    )
    printed = (await asyncio.wait_for(process.communicate(), timeout=30))[0].decode()

    about_it = [line for line in printed.splitlines() if unit.name in line or str(unit) in line]
    assert about_it == []
    assert process.returncode == 0, printed
