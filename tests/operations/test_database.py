"""What users see of the real process while its database does not answer."""

import asyncio
import time
from collections.abc import AsyncIterator

import pytest
from doubles.networked_discord import NetworkedDiscord
from process import Bot, Start
from shop import Shop
from storage.samples import KEY

from fileflare_bot.demo import orders

FIRST_RESPONSE_SECONDS = 3.0


@pytest.fixture
async def silent_database() -> AsyncIterator[str]:
    """The address of a PostgreSQL that takes connections and never says a word."""
    held = []

    async def hold(reader: asyncio.StreamReader, writer: asyncio.StreamWriter) -> None:
        held.append(writer)
        await reader.read()

    server = await asyncio.start_server(hold, "127.0.0.1", 0)
    port = server.sockets[0].getsockname()[1]
    yield f"postgresql://me@127.0.0.1:{port}/fileflare"
    server.close()
    for writer in held:
        writer.close()


@pytest.fixture
async def bot(start: Start, discord: NetworkedDiscord, shop: Shop, silent_database: str) -> Bot:
    running = await start(DATABASE_URL=silent_database, SECRET_KEYS=KEY)
    await discord.connected()
    assert shop.guild_id
    return running


async def test_with_a_database_that_never_answers_everybody_is_answered_in_time(
    bot: Bot, discord: NetworkedDiscord, shop: Shop
) -> None:
    began = time.monotonic()
    form = discord.slash(shop.customer, shop.channel, "mydownloads")
    setup = discord.slash(shop.owner, shop.channel, "store setup")
    listed = discord.slash(shop.moderator, shop.channel, "answers list")
    looked_up = discord.slash(shop.customer, shop.channel, "mydownloads", order_id=orders.DOCUMENTED)
    everything = (form, setup, listed, looked_up)
    await discord.until(lambda: all(each.record.responded for each in everything))
    assert time.monotonic() - began < FIRST_RESPONSE_SECONDS

    assert form.record.modal is not None
    for refused in (setup, listed):
        assert (await refused.done()).text.startswith("**My database cannot be reached right now.**")
    assert "Order #1050" in (await looked_up.done()).text
    status = await discord.slash(shop.owner, shop.channel, "store status").done()
    assert status.message is not None
    assert "My database does not answer" in str(status.message.embeds[0])
    assert await bot.stop() == 0
