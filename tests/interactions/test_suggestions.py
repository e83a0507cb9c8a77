"""Suggestions while somebody types: none where they cannot be had, and nothing about it in the log but a line."""

import asyncio
from typing import Any

import pytest
from desk import Desk, Log
from simcord.actors import MemberActor
from simcord.enums import InteractionType

from fileflare_bot.storage.errors import StorageUnavailable
from fileflare_bot.storage.storage import Storage

SUGGESTIONS = [
    ("answers edit", "name", {}),
    ("answers remove", "name", {}),
    ("store roles add", "value", {"match": "product_id"}),
    ("mydownloads", "order-id", {}),
]


async def suggested(desk: Desk, person: MemberActor) -> list[list[dict[str, Any]]]:
    """Return what is suggested for each option."""
    return [
        await person.autocomplete(desk.channel, command, option, "", **more) for command, option, more in SUGGESTIONS
    ]


def tracebacks(log: Log) -> list[dict[str, Any]]:
    return [event for event in log.all() if "exception" in event or "exc_info" in event]


async def test_who_is_refused_gets_no_suggestions_and_leaves_no_traceback(desk: Desk, log: Log) -> None:
    for name in ("answers", "store"):  # as an override in Integrations does
        stored = desk.env.backend.find_command(name, desk.guild.id, type=1)
        assert stored is not None
        stored["default_member_permissions"] = None

    assert await suggested(desk, desk.member) == [[], [], [], []]
    assert [event["why"] for event in log.events("no_suggestions")] == ["NotAModerator"] * 2 + ["MissingPermission"]
    assert tracebacks(log) == []


@pytest.mark.parametrize("seconds", [0, 3600])
async def test_while_the_database_is_away_or_silent_there_are_none(
    desk: Desk, storage: Storage, monkeypatch: pytest.MonkeyPatch, log: Log, seconds: float
) -> None:
    class Away:
        async def __aenter__(self) -> None:
            await asyncio.sleep(seconds)
            raise StorageUnavailable

        async def __aexit__(self, *_error: object) -> None:
            pass

    monkeypatch.setattr(storage.guilds._database, "reading", Away)  # noqa: SLF001 - the fault itself

    assert await suggested(desk, desk.owner) == [[], [], [], []]
    assert {event["why"] for event in log.events("no_suggestions")} <= {"StorageUnavailable", "TimeoutError"}
    assert log.events("no_suggestions")
    assert tracebacks(log) == []


@pytest.mark.parametrize("command", ["mydownloads", "gone", "store"])
async def test_an_option_of_an_earlier_version_gets_none(desk: Desk, log: Log, command: str) -> None:
    options: list[dict[str, Any]] = [{"name": "gone", "type": 3, "value": "a", "focused": True}]
    if command == "store":
        options = [{"name": "gone", "type": 1, "options": options}]
    data = {"id": "1", "name": command, "type": 1, "options": options}

    record = desk._emit(  # noqa: SLF001 - no version of the simulated client sends it
        InteractionType.APPLICATION_COMMAND_AUTOCOMPLETE, desk.customer, desk.channel, data
    )
    await desk.env.settle()

    assert record.autocomplete_choices == []
    assert [event["why"] for event in log.events("no_suggestions")] == ["OutdatedCommand"]
    assert tracebacks(log) == []


async def test_a_bug_in_suggestions_gives_none_and_is_logged_once(
    desk: Desk, storage: Storage, monkeypatch: pytest.MonkeyPatch, log: Log
) -> None:
    async def broken(*_ids: int) -> None:
        raise RuntimeError("a bug")

    monkeypatch.setattr(storage.saved_orders, "of_user", broken)

    assert await desk.customer.autocomplete(desk.channel, "mydownloads", "order-id", "") == []
    assert len(log.events("suggestions_failed")) == 1
