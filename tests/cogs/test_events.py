"""What was missed in the servers while the bot, or its database, was away."""

import asyncio
from datetime import datetime
from typing import Any

import discord
import pytest
from desk import Desk, Log
from simcord.backend import serializers

from fileflare_bot.storage import guilds as stored_guilds
from fileflare_bot.storage.database import utc_now
from fileflare_bot.storage.errors import StorageUnavailable
from fileflare_bot.storage.options import Options


@pytest.fixture
async def guarded(desk: Desk) -> Desk:
    """The bot in a server whose leak guard is on, and whose rule was deleted unseen."""
    await desk.bot.storage.guilds.change(desk.guild.id, desk.owner.id, options=Options(leak_guard=True))
    await desk.bot.reconciler.run()
    rules(desk).clear()
    return desk


def rules(desk: Desk) -> dict[int, Any]:
    return desk.env.backend.get_guild(desk.guild.id).auto_mod_rules


def away(*_arguments: object) -> None:
    raise ConnectionRefusedError


async def comes_back(desk: Desk) -> None:
    """Let the server be unavailable for a moment."""
    desk.env.backend.emit("GUILD_DELETE", {"id": str(desk.guild.id), "unavailable": True})
    await desk.env.settle()
    await desk.learns_of_the_server()


async def test_what_the_database_was_away_for_is_caught_up_on_when_it_is_back(
    guarded: Desk, monkeypatch: pytest.MonkeyPatch, log: Log
) -> None:
    with monkeypatch.context() as patch:
        patch.setattr(guarded.bot.storage._database, "_sessions", away)  # noqa: SLF001 - the fault itself
        await guarded.events.on_shard_ready(0)
        await guarded.events.catch_up()
    assert not rules(guarded)
    assert len(log.events("servers_unknown")) == 2

    await guarded.events.catch_up()

    assert len(rules(guarded)) == 1


async def test_a_server_that_comes_back_while_the_database_is_away_is_caught_up_on_later(
    guarded: Desk, monkeypatch: pytest.MonkeyPatch
) -> None:
    guarded.bot.storage.guilds.forget([guarded.guild.id])
    with monkeypatch.context() as patch:
        patch.setattr(guarded.bot.storage._database, "_sessions", away)  # noqa: SLF001 - the fault itself
        await comes_back(guarded)
    assert not rules(guarded)

    await guarded.events.catch_up()

    assert len(rules(guarded)) == 1


async def test_a_rule_that_is_deleted_while_the_database_is_away_is_recreated_later(
    desk: Desk, monkeypatch: pytest.MonkeyPatch
) -> None:
    await desk.bot.storage.guilds.change(desk.guild.id, desk.owner.id, options=Options(leak_guard=True))
    await desk.bot.reconciler.run()
    (rule,) = rules(desk)
    desk.bot.storage.guilds.forget([desk.guild.id])
    with monkeypatch.context() as patch:
        patch.setattr(desk.bot.storage._database, "_sessions", away)  # noqa: SLF001 - the fault itself
        desk.env.backend.delete_auto_mod_rule(desk.guild.id, rule)
        await desk.env.settle()
    assert not rules(desk)

    await desk.events.catch_up()

    assert len(rules(desk)) == 1


async def test_after_a_new_connection_the_servers_are_caught_up_on_together(guarded: Desk) -> None:
    await guarded.events.on_shard_connect(0)
    await comes_back(guarded)
    assert not rules(guarded)

    await guarded.events.on_shard_ready(0)

    assert len(rules(guarded)) == 1


async def removes(desk: Desk) -> None:
    """Let the server remove the bot."""
    desk.env.backend.emit("GUILD_DELETE", {"id": str(desk.guild.id)})
    await desk.env.settle()


def invites(desk: Desk) -> None:
    """Let the server invite the bot; the event of a server that was unavailable says so."""
    backend = desk.env.backend
    payload = serializers.guild_create_payload(backend, backend.get_guild(desk.guild.id))
    backend.emit("GUILD_CREATE", {name: value for name, value in payload.items() if name != "unavailable"})


async def test_a_server_that_the_bot_left_while_the_database_was_away_is_noted_later(
    desk: Desk, monkeypatch: pytest.MonkeyPatch
) -> None:
    await desk.set_up()
    with monkeypatch.context() as patch:
        patch.setattr(desk.bot.storage._database, "_sessions", away)  # noqa: SLF001 - the fault itself
        await removes(desk)
    assert not desk.bot.storage.guilds.get(desk.guild.id).left

    await desk.events.catch_up()

    assert desk.bot.storage.guilds.get(desk.guild.id).left


async def test_a_server_that_invites_the_bot_again_while_its_removal_is_being_stored_has_not_been_left(
    desk: Desk, monkeypatch: pytest.MonkeyPatch
) -> None:
    await desk.set_up()
    guilds, invited = desk.bot.storage.guilds, asyncio.Event()

    async def left(guild_id: int, *, at: datetime | None) -> None:
        assert guild_id == desk.guild.id
        if at is not None:
            await invited.wait()
        raise StorageUnavailable

    with monkeypatch.context() as patch:
        patch.setattr(guilds, "left", left)
        desk.env.backend.emit("GUILD_DELETE", {"id": str(desk.guild.id)})
        invites(desk)
        asyncio.get_running_loop().call_later(0.2, invited.set)
        await invited.wait()
        await desk.env.settle()

    await desk.events.catch_up()

    assert not (await guilds.load(desk.guild.id)).left


async def test_a_server_that_comes_back_while_the_database_is_away_is_no_longer_stored_as_left(
    desk: Desk, monkeypatch: pytest.MonkeyPatch
) -> None:
    await desk.set_up()
    await removes(desk)
    assert desk.bot.storage.guilds.get(desk.guild.id).left
    with monkeypatch.context() as patch:
        patch.setattr(desk.bot.storage._database, "_sessions", away)  # noqa: SLF001 - the fault itself
        invites(desk)
        await desk.env.settle()

    await desk.events.catch_up()

    assert not (await desk.bot.storage.guilds.load(desk.guild.id)).left


async def test_servers_that_removed_the_bot_while_it_was_not_running_are_stored_as_left(
    desk: Desk, monkeypatch: pytest.MonkeyPatch
) -> None:
    await desk.set_up()
    monkeypatch.setattr(stored_guilds, "READ_AT_ONCE", 2)
    guilds = desk.bot.storage.guilds
    gone = [desk.guild.id + number for number in range(1, 6)]
    for guild_id in gone:
        await guilds.change(guild_id, desk.owner.id, log_channel_id=1)
    with monkeypatch.context() as patch:
        patch.setattr(desk.bot.storage._database, "_sessions", away)  # noqa: SLF001 - the fault itself
        await desk.events.on_shard_ready(0)

    await desk.events.catch_up()

    assert [(await guilds.load(guild_id)).left for guild_id in gone] == [True] * len(gone)
    assert not (await guilds.load(desk.guild.id)).left


async def test_a_server_that_is_stored_as_left_is_so_no_longer_when_the_bot_is_there(desk: Desk) -> None:
    await desk.set_up()
    await desk.bot.storage.guilds.left(desk.guild.id, at=utc_now())

    await desk.restart()

    assert not (await desk.bot.storage.guilds.load(desk.guild.id)).left


async def test_a_bug_in_one_server_stops_no_other(guarded: Desk, monkeypatch: pytest.MonkeyPatch, log: Log) -> None:
    other = guarded.env.create_guild("Another", owner=guarded.env.create_user("otto"))
    await guarded.env.settle()
    await guarded.bot.storage.guilds.change(other.id, guarded.owner.id, options=Options(leak_guard=True))
    settle = guarded.bot.leak_guard.settle

    async def failing(guild_id: int) -> None:
        if guild_id == other.id:
            raise KeyError
        await settle(guild_id)

    monkeypatch.setattr(guarded.bot.leak_guard, "settle", failing)
    await guarded.events.on_shard_ready(0)

    assert len(rules(guarded)) == 1
    assert other.id in [event.get("guild_id") for event in log.events("background_bug")]


async def test_the_start_asks_discord_nothing_about_servers_without_a_leak_guard(desk: Desk) -> None:
    await desk.set_up()
    asked = len(desk.env.http_requests)

    await desk.events.on_shard_ready(0)

    assert len(desk.env.http_requests) == asked
    assert isinstance(desk.bot.get_guild(desk.guild.id), discord.Guild)


@pytest.mark.parametrize("ended", [True, False])
async def test_an_event_that_the_end_cuts_off_is_no_fault(desk: Desk, log: Log, *, ended: bool) -> None:
    if ended:
        await desk.bot.close()

    try:
        raise RuntimeError("Session is closed")  # noqa: TRY301 - as aiohttp does then
    except RuntimeError:
        await desk.bot.on_error("on_shard_ready")

    assert [str(error) for error in desk.env.errors] == ["Session is closed"]  # the simulator's own witness
    assert ("event_failed" in log.getvalue()) is not ended
    assert ("event_cut_off" in log.getvalue()) is ended
