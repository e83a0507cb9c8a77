"""A lost response is not a lost request: what Discord has carried out is found again, and not repeated."""

import asyncio
from typing import Final

import pytest
from doubles.networked_discord import Fault, NetworkedDiscord
from process import Start
from shop import SOON, Shop, team_channel

from fileflare_bot.storage.records import Resolution

FORGETFUL: Final = f"{SOON}; import fileflare_bot.posting as posting; posting.NONCE_LASTS = datetime.timedelta(0)"


@pytest.mark.parametrize("kind", ["support", "thread", "direct", "log"])
async def test_a_message_whose_response_was_lost_is_found_even_if_its_nonce_is_forgotten(
    start: Start, discord: NetworkedDiscord, shop: Shop, kind: str
) -> None:
    bot = await start(first=FORGETFUL, LOG_LEVEL="INFO")
    await bot.says("ready")
    log = team_channel(discord, shop.guild_id, "log")
    await shop.set_up()
    await shop.choose("log_channel_id", log.id)
    before = len(shop.messages(log.id))
    kinds = {shop.support: "support", log.id: "log"}

    def is_hit(method: str, path: str, _body: object) -> bool:
        if method != "POST" or not path.endswith("/messages"):
            return False
        channel = discord.backend.channels[int(path.split("/")[2])]
        return kinds.get(channel.id, "direct" if channel.guild_id is None else "thread") == kind

    discord.faults.append(Fault(is_hit, 0, after=True, act=discord.forget_nonces))
    await shop.ask_for_help()
    shown = await shop.answer_form()
    answered = await discord.submit(shop.moderator, shown, words="Try again.").done()
    if kind == "direct":
        assert "**It is saved, but Discord has not confirmed it yet.**" in answered.text
    card = shop.card()
    await discord.until(lambda: len(shop.notes(card)) == 1 and len(shop.messages(log.id)) == before + 2)
    await asyncio.sleep(1.2)  # two more rounds of the reconciler

    assert [message.embeds[0]["description"] for message in shop.direct()] == ["Try again."]
    assert len(shop.notes(shop.card())) == 1
    assert len(shop.messages(log.id)) == before + 2
    assert await bot.stop() == 0


async def test_a_thread_whose_response_was_lost_is_taken_over(
    start: Start, discord: NetworkedDiscord, shop: Shop
) -> None:
    bot = await start(first=SOON)
    await bot.says("ready")
    await shop.set_up()
    discord.faults.append(
        Fault(lambda method, path, _body: method == "POST" and path.endswith("/threads"), 0, after=True)
    )

    await shop.ask_for_help()
    card = shop.card()
    await discord.until(lambda: discord.calls_to("POST", "/threads") == 2)
    shown = await shop.answer_form()
    await discord.submit(shop.moderator, shown, words="Try again.").done()

    assert len(shop.notes(card)) == 1
    assert await bot.stop() == 0


async def test_resolving_archives_the_thread_and_reopening_opens_it(
    start: Start, discord: NetworkedDiscord, shop: Shop
) -> None:
    bot = await start(first=SOON)
    await bot.says("ready")
    await shop.set_up()
    await shop.ask_for_help()
    state = discord.backend.channels[shop.card().id].thread_metadata
    assert state is not None

    shown = await shop.press(shop.moderator, shop.card(), "Resolve")
    await discord.submit(shop.moderator, shown, reason=[Resolution.FIXED]).done()
    assert state.archived
    await shop.press(shop.moderator, shop.card(), "Reopen")

    assert not state.archived
    assert await bot.stop() == 0
