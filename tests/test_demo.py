"""The demo: the bot in a browser, with no Discord account."""

from datetime import UTC, datetime, timedelta

from desk import embed, labels, reply

from fileflare_bot.demo import orders
from fileflare_bot.demo.__main__ import demo


async def test_in_the_demo_the_leak_guard_stops_an_order_link_and_the_log_channel_is_told() -> None:
    async with demo() as running:
        channel = running.downloads.channel
        await running.customer.send(channel, f"why does https://my-store.com/account/orders/{orders.DOCUMENTED} fail?")
        await running.customer.send(channel, "my order is #1050")

        assert [message.content for message in channel.history() if message.content] == ["my order is #1050"]
        told = str(running.log.channel.history()[-1].embeds[0].description)
        assert told.startswith(f"🛡️ I stopped a message of <@{running.customer.id}> in <#{channel.id}>")


async def test_the_demo_shows_todays_dates() -> None:
    async with demo() as running:
        for message in running.downloads.channel.history():
            assert abs(message.created_at - datetime.now(UTC)) < timedelta(minutes=10)


async def test_the_demos_german_customer_reads_german() -> None:
    async with demo() as running:
        channel = running.downloads.channel
        shown = await running.german.slash(channel, "mydownloads", **{"order-id": orders.DOCUMENTED})

        assert "Bestellung #1050" in reply(shown).content
        assert "noch 5 von 10" in str(embed(shown).description)
        assert "Hilfe holen" in labels(reply(shown))
        other = await running.customer.slash(channel, "mydownloads", **{"order-id": orders.DOCUMENTED})
        assert "Order #1050" in reply(other).content
