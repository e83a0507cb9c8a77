"""What the bot says in a new server, and that it forgets one that it left."""

import discord
import pytest
from databases import audit_entries
from desk import Desk
from simcord.builders import ChannelHandle, GuildHandle

from fileflare_bot.storage.storage import Storage


async def test_a_new_server_is_told_once_where_to_begin(desk: Desk) -> None:
    owner = desk.env.create_user("otto")
    guild = desk.env.create_guild("The Other Shop", owner=owner)
    await desk.env.settle()
    channel = guild.create_text_channel("general")
    await desk.env.settle()

    await desk.events.on_guild_join(found(desk, guild))

    (message,) = channel.history()
    assert "/store setup" in str(message.embeds[0].description)
    assert not message.mentions


async def community(desk: Desk, monkeypatch: pytest.MonkeyPatch, **channels: str) -> GuildHandle:
    """Make a Community server without a system channel, in which these channels have these purposes."""
    guild = desk.env.create_guild("The Open Shop", owner=desk.env.create_user("otto"))
    await desk.env.settle()
    for name in ("rules", "announcements", "general", "staff"):
        guild.create_text_channel(name)
    desk.env.backend.edit_channel(guild.channels["announcements"].id, {"type": 5})
    found(desk, guild).features.append("COMMUNITY")
    for purpose, name in channels.items():
        setattr(found(desk, guild), f"_{purpose}_channel_id", guild.channels[name].id)
    await desk.env.settle()
    monkeypatch.setattr(found(desk, guild), "_system_channel_id", None)
    return guild


def direct(desk: Desk, user_id: int) -> list[discord.Message]:
    return ChannelHandle(desk.env, None, desk.env.backend.get_dm_channel(user_id)).history()


def greeted(desk: Desk, guild: GuildHandle) -> list[str]:
    """Return where the owner of a new server was greeted."""
    owner = guild.owner
    assert owner is not None
    channels = {
        **{name: channel.history() for name, channel in guild.channels.items()},
        "direct": direct(desk, owner.id),
    }
    return [name for name, messages in channels.items() if messages]


@pytest.mark.parametrize(
    ("channels", "where"),
    [
        ({"rules": "rules", "public_updates": "staff"}, ["staff"]),
        ({"rules": "rules", "safety_alerts": "staff"}, ["staff"]),
        ({"rules": "rules", "public_updates": "rules", "safety_alerts": "staff"}, ["staff"]),
        ({"rules": "rules", "public_updates": "announcements"}, ["direct"]),
        ({"rules": "rules"}, ["direct"]),
    ],
)
async def test_in_a_community_server_the_owner_is_not_greeted_before_everybody(
    desk: Desk, monkeypatch: pytest.MonkeyPatch, channels: dict[str, str], where: list[str]
) -> None:
    guild = await community(desk, monkeypatch, **channels)

    await desk.events.on_guild_join(found(desk, guild))

    assert greeted(desk, guild) == where


async def test_in_a_community_server_whose_owner_takes_no_messages_the_bot_stays_quiet(
    desk: Desk, monkeypatch: pytest.MonkeyPatch
) -> None:
    guild = await community(desk, monkeypatch, rules="rules")
    desk.env.inject_error("POST", "/channels/*/messages", status=403, code=50007)

    await desk.events.on_guild_join(found(desk, guild))

    assert greeted(desk, guild) == []


async def test_where_the_bot_may_write_nowhere_it_stays_quiet(desk: Desk) -> None:
    guild = desk.env.create_guild("The Other Shop", owner=desk.env.create_user("otto"))
    silent = discord.PermissionOverwrite(send_messages=False)
    channel = guild.create_text_channel("general", overwrites={guild.default_role: silent})
    await desk.env.settle()

    await desk.events.on_guild_join(found(desk, guild))

    assert channel.history() == []


async def test_a_server_that_the_bot_left_is_forgotten_after_a_while_but_not_if_it_comes_back(
    desk: Desk, storage: Storage
) -> None:
    await desk.set_up()
    await desk.ask_for_help()
    guild = found(desk, desk.guild)

    await desk.events.on_guild_remove(guild)
    assert storage.guilds.get(desk.guild.id).left
    assert await storage.retention.delete_left_guilds(30) == []
    await desk.events.on_guild_join(guild)
    assert await storage.retention.delete_left_guilds(-1) == []
    await desk.events.on_guild_remove(guild)
    assert await storage.retention.delete_left_guilds(-1) == [desk.guild.id]

    assert (await storage.tickets.page(desk.guild.id, 1)).total == 0
    assert await audit_entries(storage, desk.guild.id) == []


def found(desk: Desk, guild: GuildHandle) -> discord.Guild:
    known = desk.bot.get_guild(guild.id)
    assert known is not None
    return known
