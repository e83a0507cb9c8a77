"""The real bot as a process on a networked Discord."""

from collections.abc import AsyncIterator
from typing import Any

import discord as discord_py
import pytest
from doubles.networked_discord import NetworkedDiscord
from process import Bot, Start
from shop import Shop, team_channel


@pytest.fixture
async def discord() -> AsyncIterator[NetworkedDiscord]:
    async with NetworkedDiscord().serve() as server:
        yield server


@pytest.fixture
def shop(discord: NetworkedDiscord) -> Shop:
    backend: Any = discord.backend
    owner, moderator, customer = (backend.make_user(name) for name in ("olivia", "mia", "casey"))
    guild = backend.create_guild("Shop", owner_id=owner.id)
    team = backend.create_role(guild.id, "Team", permissions=discord_py.Permissions(manage_messages=True).value)
    backend.add_member(guild.id, customer.id)
    backend.add_member(guild.id, moderator.id, roles=[team.id])
    channel = backend.create_channel(guild.id, "downloads")
    support = team_channel(discord, guild.id, "support", team.id)
    return Shop(discord, guild.id, owner.id, moderator.id, customer.id, channel.id, support.id)


@pytest.fixture
async def bot(start: Start, discord: NetworkedDiscord, shop: Shop) -> Bot:
    """A bot process that is ready, in a server with a support channel."""
    running = await start(LOG_LEVEL="INFO")
    await discord.connected()
    await shop.set_up()
    return running
