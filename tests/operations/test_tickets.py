"""Tickets in the real process when Discord fails in the middle."""

from doubles.networked_discord import Fault, NetworkedDiscord
from process import Bot, Start
from shop import Shop


async def test_if_discord_fails_for_an_archived_thread_the_customers_words_stand_beside_the_card(
    start: Start, bot: Bot, discord: NetworkedDiscord, shop: Shop
) -> None:
    await shop.ask_for_help()
    shown = await shop.press(shop.moderator, shop.card(), "Answer")
    await discord.submit(shop.moderator, shown, words="Try again.").done()
    card = shop.card()
    thread = discord.backend.channels[card.id]
    assert thread.thread_metadata is not None
    thread.thread_metadata.archived = True
    assert await bot.stop() == 0
    again = await start()
    await discord.connected()
    discord.faults.append(Fault(lambda method, path, _body: (method, path) == ("GET", f"/channels/{thread.id}"), 503))

    (answer,) = shop.direct()
    shown = await shop.press(shop.customer, answer, "Write back")
    sent = await discord.submit(shop.customer, shown, words="No luck.").done()

    assert sent.text == "The moderators have it: help request #1."
    beside = shop.messages(shop.support)[-1]
    assert beside.embeds[0]["description"] == f"<@{shop.customer}> writes:\n> No luck."
    assert beside.embeds[0]["footer"]["text"] == "Help request #1"
    assert beside.reference is not None
    assert beside.reference["message_id"] == str(card.id)
    assert await again.stop() == 0
