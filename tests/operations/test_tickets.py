"""Tickets in the real process when Discord fails in the middle."""

import asyncio

from doubles.networked_discord import Fault, NetworkedDiscord
from process import SHORT_DRAIN, Bot, Start
from shop import SOON, Shop


async def test_if_discord_fails_for_an_archived_thread_the_customers_words_reach_it_later(
    start: Start, bot: Bot, discord: NetworkedDiscord, shop: Shop
) -> None:
    await shop.ask_for_help()
    shown = await shop.answer_form()
    await discord.submit(shop.moderator, shown, words="Try again.").done()
    card = shop.card()
    thread = discord.backend.channels[card.id]
    assert thread.thread_metadata is not None
    thread.thread_metadata.archived = True
    assert await bot.stop() == 0
    again = await start(first=SOON)
    await discord.connected()
    discord.faults.append(Fault(lambda _method, path, _body: path == f"/channels/{thread.id}/messages", 503))

    (answer,) = shop.direct()
    shown = await shop.press(shop.customer, answer, "Write back")
    sent = await discord.submit(shop.customer, shown, words="No luck.").done()

    assert sent.text.startswith(
        "It is saved with help request #1. I could not confirm yet that the moderators can read it"
    )
    words = f"<@{shop.customer}> writes:\n> No luck."
    await discord.until(lambda: shop.messages(thread.id)[-1].embeds[0]["description"] == words)
    assert not thread.thread_metadata.archived
    assert await again.stop() == 0


async def test_a_stop_ends_what_a_start_still_catches_up_on(
    start: Start, discord: NetworkedDiscord, shop: Shop
) -> None:
    reached = asyncio.Event()

    def card(method: str, path: str, _body: object) -> bool:
        is_card = method == "PATCH" and path.startswith(f"/channels/{shop.support}/messages/")
        if is_card:
            reached.set()
        return is_card

    def message(_method: str, path: str, _body: object) -> bool:
        return path == "/users/@me/channels"

    bot = await start(first=SOON)
    await discord.connected()
    await shop.set_up()
    await shop.ask_for_help()
    form = await shop.answer_form()
    discord.faults += [Fault(card, status=0, times=None), Fault(message, status=0, times=None)]
    await discord.submit(shop.moderator, form, words="Try again.").done()
    bot.process.kill()
    await bot.process.wait()
    reached.clear()
    discord.faults[:] = [Fault(card, held=asyncio.Event(), times=None)]
    again = await start(first=SOON, main=SHORT_DRAIN, LOG_LEVEL="INFO")
    async with asyncio.timeout(20):
        await reached.wait()

    assert await again.stop() == 0
    assert "background_bug" not in again.printed
