"""What a customer sees, through the simulated Discord."""

import aiohttp
import pytest
from desk import Desk, buttons, custom_id, embed, labels, links, reply

from fileflare_bot.demo import orders

ORDER_PAGES = (
    f"https://my-store.com/account/orders/{orders.DOCUMENTED}",
    f"<https://my-store.com/account/orders/{orders.DOCUMENTED}>",
    f"https://my-store.com/account/orders/{orders.DOCUMENTED}/?locale=de#files",
    f"https://my-store.com/de/account/orders/{orders.DOCUMENTED}",
    f"https://my-store.com/12345678/orders/{orders.DOCUMENTED}/authenticate?key={'k' * 700}",
    f"  my-store.com/12345678/orders/{orders.DOCUMENTED}  ",
    f"Here is my order: https://my-store.com/account/orders/{orders.DOCUMENTED}. Thanks!",
)


async def test_the_documented_order_is_shown_with_both_files_and_what_is_left(desk: Desk) -> None:
    result = await desk.mydownloads(orders.DOCUMENTED)

    assert result.ephemeral
    shown = embed(result)
    base = desk.sample.url
    assert shown.title == "Download files for your orders"
    assert shown.description is not None
    assert "**Order #1050**" in shown.description
    assert "**My new Book — Paper back**" in shown.description
    assert f"[My new book]({base}/download/82664d96-6dfd-4343-96b0-05c46f412a5b) · 10MB" in shown.description
    assert "▰▰▰▰▰▱▱▱▱▱ 5 of 10 downloads left" in shown.description
    assert "**My new Book — Hard back**\nNo files come with this product." in shown.description
    assert f"[My new book - part 2]({base}/download/82664d96-6dfd-4343-96b0-05c46f41sas) · 20MB" in shown.description
    assert "10 of 10 downloads left" in shown.description
    assert shown.footer.text == "Page 1 of 1 · 15 downloads left"
    assert reply(result).content == "Order #1050 · 2 files · 15 downloads left"
    files = ["My new book (5 left)", "My new book - part 2 (10 left)"]
    assert labels(reply(result)) == [*files, "Refresh", "Get help", "Remember this order"]


async def test_a_fast_reply_takes_one_discord_call(desk: Desk) -> None:
    await desk.mydownloads(orders.DOCUMENTED)

    assert desk.calls() == [("POST", "callback")]


async def test_a_slow_reply_is_acknowledged_privately_and_then_filled_in(desk: Desk) -> None:
    desk.hold()

    result = await desk.mydownloads(orders.DOCUMENTED)
    await desk.env.advance_time(0.9)
    assert not result.acknowledged
    await desk.env.advance_time(0.1)
    assert result.deferred
    assert result.ephemeral
    await desk.release()

    assert desk.calls() == [("POST", "callback"), ("PATCH", "original")]
    assert "5 of 10 downloads left" in str(embed(result).description)


@pytest.mark.parametrize("pasted", ORDER_PAGES)
async def test_every_shape_of_an_order_link_is_understood(desk: Desk, pasted: str) -> None:
    result = await desk.mydownloads(pasted)

    assert "Order #1050" in reply(result).content
    assert desk.sample.requests == {orders.DOCUMENTED: 1}


async def test_without_an_option_a_modal_asks_and_says_where_the_link_is(desk: Desk) -> None:
    shown = await desk.mydownloads()

    assert shown.modal is not None
    (label,) = shown.modal["components"]
    assert label["label"] == "Order link or order ID"
    assert "Confirmation email" in label["description"]
    result = await desk.fill_in(shown, ORDER_PAGES[0])
    assert result.ephemeral
    assert "Order #1050" in reply(result).content


async def test_a_modal_opened_before_a_restart_still_works(desk: Desk) -> None:
    shown = await desk.mydownloads()
    await desk.restart()

    result = await desk.fill_in(shown, orders.DOCUMENTED)

    assert "Order #1050" in reply(result).content


async def test_a_reply_is_seen_by_nobody_else(desk: Desk) -> None:
    result = await desk.mydownloads(orders.DOCUMENTED)

    seen_by_member = [message.id for message in desk.channel.history(viewer=desk.member)]
    assert reply(result).id not in seen_by_member
    assert reply(result).id in [message.id for message in desk.channel.history(viewer=desk.customer)]


async def test_every_file_of_300_is_reached_by_paging(desk: Desk) -> None:
    result = await desk.mydownloads(orders.LARGE)
    message = reply(result)
    seen = set(links(message))
    pages = 1
    while not next(button for button in buttons(message) if ":next:" in button.get("custom_id", "")).get("disabled"):
        turned = await desk.customer.click(message, custom_id=custom_id(message, ":next:"))
        message = reply(turned)
        assert message.id == reply(result).id
        seen |= set(links(message))
        pages += 1

    expected = {f"{desk.sample.url}/download/large-{pack}-{index}" for pack in range(10) for index in range(30)}
    assert seen == expected
    assert f"Page {pages} of {pages}" in str(message.embeds[0].footer.text)
    first = await desk.customer.click(message, custom_id=custom_id(message, ":first:"))
    assert "Page 1 of" in str(embed(first).footer.text)
    last = await desk.customer.click(reply(first), custom_id=custom_id(reply(first), ":last:"))
    assert f"Page {pages} of {pages}" in str(embed(last).footer.text)
    assert desk.sample.requests == {orders.LARGE: 1}


async def test_refresh_shows_the_count_fall_after_a_download(desk: Desk) -> None:
    desk.bot.lookups.refresh_seconds = 0
    result = await desk.mydownloads(orders.DOCUMENTED)
    async with aiohttp.ClientSession() as browser, browser.get(links(reply(result))[0]) as download:
        assert download.status == 200

    refreshed = await desk.customer.click(reply(result), label="Refresh")

    assert reply(refreshed).id == reply(result).id
    assert "4 of 10 downloads left" in str(embed(refreshed).description)
    assert "14 downloads left" in reply(refreshed).content


async def test_a_refresh_that_fails_keeps_the_list_and_says_why(desk: Desk) -> None:
    result = await desk.mydownloads(orders.DOCUMENTED)
    desk.bot.lookups.refresh_seconds = 0
    await desk.sample.stop()

    refused = await desk.customer.click(reply(result), label="Refresh")

    assert "Fileflare cannot be reached" in reply(refused).content
    assert refused.ephemeral
    assert reply(refused).id != reply(result).id
    assert "5 of 10 downloads left" in str(embed(result).description)


async def test_a_list_from_before_a_restart_says_how_to_get_a_new_one(desk: Desk) -> None:
    result = await desk.mydownloads(orders.DOCUMENTED)
    await desk.restart()

    stale = await desk.customer.click(reply(result), label="Refresh")

    assert stale.ephemeral
    assert "no longer live" in reply(stale).content
    assert "/mydownloads" in reply(stale).content
    shown = await desk.customer.click(reply(stale), label="Get my downloads")
    assert shown.modal is not None


async def test_a_list_is_live_for_its_owner_only(desk: Desk) -> None:
    result = await desk.mydownloads(orders.DOCUMENTED)
    posted = await desk.member.slash(desk.channel, "mydownloads", **{"order-id": orders.EMPTY})
    theirs = custom_id(reply(result), ":refresh:")
    stored = desk.env.backend.get_message(desk.channel.id, reply(posted).id)
    stored.components[0]["components"][0]["custom_id"] = theirs

    pressed = await desk.member.click(reply(posted), custom_id=theirs)

    assert "no longer live" in reply(pressed).content


async def test_a_direct_message_works_like_a_channel(desk: Desk) -> None:
    user = desk.customer.user

    result = await user.slash("mydownloads", **{"order-id": orders.DOCUMENTED})

    assert result.ephemeral
    assert "Order #1050" in reply(result).content
    shown = await user.slash("mydownloads")
    filled = await user.submit_modal(shown, {"order": orders.DOCUMENTED})
    assert "Order #1050" in reply(filled).content


async def test_a_german_customer_reads_german(desk: Desk) -> None:
    desk.speaks(desk.customer, "de")

    result = await desk.mydownloads(orders.DOCUMENTED)

    assert "Noch 5 von 10 Downloads" in str(embed(result).description)
    assert reply(result).content == "Bestellung #1050 · 2 Dateien · noch 15 Downloads"
    assert "Aktualisieren" in labels(reply(result))
    refused = await desk.mydownloads("#1050")
    assert "Bestellnummer" in reply(refused).content
    shown = await desk.mydownloads()
    assert shown.modal is not None
    assert shown.modal["title"] == "Meine Downloads"


async def test_a_language_without_a_catalog_gets_the_default(desk: Desk) -> None:
    desk.speaks(desk.customer, "ja")

    result = await desk.mydownloads(orders.DOCUMENTED)

    assert "5 of 10 downloads left" in str(embed(result).description)


async def test_the_command_is_there_in_servers_direct_messages_and_user_installs(desk: Desk) -> None:
    command = desk.env.backend.find_command("mydownloads", None, type=1)

    assert command is not None
    assert command["contexts"] == [0, 1, 2]
    assert command["integration_types"] == [0, 1]
    (option,) = command["options"]
    assert option["name"] == "order-id"
    assert option["max_length"] == 1500
    assert not option.get("required")
    assert command["name_localizations"]["de"] == "meine-downloads"
    assert command["description_localizations"]["de"]
    assert option["name_localizations"]["de"] == "bestell-id"


async def test_the_bot_asks_for_no_privileged_intent(desk: Desk) -> None:
    intents = desk.bot.intents

    assert not intents.message_content
    assert not intents.members
    assert not intents.presences
