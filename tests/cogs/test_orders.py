"""Saved orders: remembered on request, suggested by name, opened, forgotten, and hidden from others."""

import pytest
from desk import Desk, buttons, embed, labels, reply

from fileflare_bot.demo import orders
from fileflare_bot.storage.errors import StorageUnavailable
from fileflare_bot.storage.storage import Storage


async def remember(desk: Desk, token: str = orders.DOCUMENTED) -> str:
    shown = await desk.mydownloads(token)
    pressed = await desk.customer.click(reply(shown), label="Remember this order")
    left = [label for label in labels(reply(shown)) if label != "Remember this order"]
    assert labels(reply(pressed)) == left
    assert reply(pressed).id == reply(shown).id
    assert (reply(pressed).content, reply(pressed).embeds) == (reply(shown).content, reply(shown).embeds)
    (said,) = pressed.followups
    return said.content


async def test_an_order_is_remembered_offered_by_its_name_and_opened_without_its_id(desk: Desk) -> None:
    said = await remember(desk)
    assert said.startswith("I keep “\\#1050 · My new Book” for you, encrypted.")

    (choice,) = await desk.customer.autocomplete(desk.channel, "mydownloads", "order-id", "new b")
    assert choice["name"] == "#1050 · My new Book"
    assert orders.DOCUMENTED not in str(choice)
    opened = await desk.mydownloads(choice["value"])

    assert "5 of 10 left" in str(embed(opened).description)
    assert "Remember this order" not in labels(reply(opened))


async def test_in_a_direct_message_a_remembered_order_is_not_offered_to_be_remembered_again(
    desk: Desk, storage: Storage, monkeypatch: pytest.MonkeyPatch
) -> None:
    async def offered(token: str) -> bool:
        opened = await desk.at_home.slash("mydownloads", **{"order-id": token})
        return "Remember this order" in labels(reply(opened))

    assert await offered(orders.DOCUMENTED)
    await remember(desk)

    assert not await offered(orders.DOCUMENTED)
    assert not await offered(orders.DOCUMENTED.upper())
    assert await offered(orders.USED_UP)

    def away(*_arguments: object) -> None:
        raise StorageUnavailable("away")

    monkeypatch.setattr(storage.saved_orders._database, "reading", away)  # noqa: SLF001 - the fault itself
    assert await offered(orders.DOCUMENTED)


async def test_the_german_names_of_the_customers_commands_have_one_pattern(desk: Desk) -> None:
    names = [desk.env.backend.find_command(name, None, type=1) for name in ("mydownloads", "myorders", "privacy")]

    german = [each["name_localizations"]["de"] for each in names if each is not None]
    assert german == ["meine-downloads", "meine-bestellungen", "datenschutz"]


async def test_typing_asks_fileflare_nothing(desk: Desk) -> None:
    await remember(desk)
    asked = len(desk.sample.requests)

    await desk.customer.autocomplete(desk.channel, "mydownloads", "order-id", "")

    assert len(desk.sample.requests) == asked


async def test_saved_orders_are_nobody_elses(desk: Desk) -> None:
    await remember(desk)
    (choice,) = await desk.customer.autocomplete(desk.channel, "mydownloads", "order-id", "")

    assert await desk.member.autocomplete(desk.channel, "mydownloads", "order-id", "") == []
    refused = await desk.mydownloads(choice["value"], person=desk.member)
    assert reply(refused).content.startswith("**I do not remember that order any more.**")
    listed = await desk.member.slash(desk.channel, "myorders")
    assert "I remember none." in reply(listed).content


async def test_orders_are_opened_and_forgotten_one_or_all_from_the_list(desk: Desk) -> None:
    for token in (orders.DOCUMENTED, orders.USED_UP, orders.LARGE):
        await remember(desk, token)
    listed = await desk.at_home.slash("myorders")
    assert str(embed(listed).description).splitlines()[0].startswith("• \\#2300")
    newest = next(item for item in buttons(reply(listed)) if item["custom_id"] == "downloads:saved")["options"][0][
        "value"
    ]

    opened = await desk.at_home.select(reply(listed), [newest], custom_id="downloads:saved")
    assert "Order #2300" in reply(opened).content
    other = await desk.at_home.slash("myorders")
    one_less = await desk.at_home.select(reply(listed), [newest], custom_id="orders:forget")
    assert reply(one_less).content.splitlines()[0].startswith("I have forgotten “\\#2300")
    assert reply(one_less).content.splitlines()[1:] == ["**Your orders**"]
    again = await desk.at_home.select(reply(other), [newest], custom_id="orders:forget")
    assert reply(again).content == "**Your orders**"

    sure = await desk.at_home.click(reply(again), label="Forget all")
    assert reply(sure).content == "**Forget 2 orders?** To open them again, you need their links."
    kept = await desk.at_home.click(reply(sure), label="Keep")
    assert len(str(embed(kept).description).splitlines()) == 2
    sure = await desk.at_home.click(reply(kept), label="Forget all")
    none = await desk.at_home.click(reply(sure), label="Forget")
    assert "I remember none." in reply(none).content
    assert "I remember none." in reply(await desk.at_home.click(reply(one_less), label="Forget all")).content
    assert await desk.customer.autocomplete(desk.channel, "mydownloads", "order-id", "") == []


async def test_privacy_shows_and_deletes_saved_orders(desk: Desk) -> None:
    await remember(desk)

    shown = await desk.customer.slash(desk.channel, "privacy")
    assert "**1 saved order**, encrypted: until you forget it" in reply(shown).content
    sure = await desk.customer.click(reply(shown), label="Delete it")
    await desk.customer.click(reply(sure), label="Delete for good")

    assert "I remember none." in reply(await desk.customer.slash(desk.channel, "myorders")).content


async def test_orders_are_not_remembered_where_the_owner_switched_it_off(desk: Desk) -> None:
    setup = await desk.owner.slash(desk.channel, "store setup")
    await desk.owner.click(reply(setup), custom_id="store_setup:toggle:saved_orders:off")

    shown = await desk.mydownloads(orders.DOCUMENTED)

    assert "Remember this order" not in labels(reply(shown))
