"""The demo: the bot in a browser, with no Discord account."""

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
