"""The form of Get help: what it asks for, when it is not shown, and what its customer reads afterwards."""

import asyncio
from datetime import timedelta
from typing import Any

import pytest
import sqlalchemy as sa
from desk import Desk, buttons, labels, reply
from simcord.results import InteractionResult
from storage.samples import new_ticket

from fileflare_bot.demo import orders
from fileflare_bot.storage.database import utc_now
from fileflare_bot.storage.errors import StorageUnavailable
from fileflare_bot.storage.models import TicketRow
from fileflare_bot.storage.storage import Storage

RADIO_GROUP, FILE_UPLOAD = 21, 19
NUMBER_ASKED = {"order", "number", "topic", "words"}


def fields(shown: InteractionResult) -> dict[str, dict[str, Any]]:
    """Return a form's labels by the custom_id of what they label."""
    assert shown.modal is not None
    assert len(shown.modal["components"]) <= 5
    labelled = [each for each in shown.modal["components"] if "component" in each]
    return {each["component"]["custom_id"]: each for each in labelled}


async def form(desk: Desk, pasted: str, label: str = "Get help") -> InteractionResult:
    return await desk.customer.click(reply(await desk.mydownloads(pasted)), label=label)


def seen(desk: Desk) -> str:
    messages = [*desk.support.history(), *desk.thread().history()]
    return str(desk.thread().name) + str(
        [(each.content, [embed.to_dict() for embed in each.embeds]) for each in messages]
    )


async def test_the_topic_is_chosen_among_at_most_ten_that_are_seen_at_once(desk: Desk) -> None:
    await desk.set_up()

    topic = fields(await form(desk, orders.USED_UP))["topic"]["component"]

    assert topic["type"] == RADIO_GROUP
    assert 2 <= len(topic["options"]) <= 10
    assert [option["label"] for option in topic["options"] if option.get("default")] == ["A file has no downloads left"]


@pytest.mark.parametrize(
    ("language", "text"), [("en-US", "Order #1042 (unverified)"), ("de", "Bestellung #1042 (ungeprüft)")]
)
@pytest.mark.parametrize("pasted", ["https://shopify.com/1/account/orders/22", orders.UNKNOWN])
async def test_for_an_order_that_is_not_found_the_form_asks_for_its_number_which_is_shown_as_the_customers_word(
    desk: Desk, language: str, text: str, pasted: str
) -> None:
    page = await desk.set_up()
    await desk.owner.select(reply(page), [language.partition("-")[0]], custom_id="store_setup:language")
    desk.speaks(desk.customer, language)

    shown = await form(desk, pasted, "Hilfe holen" if language == "de" else "Get help")
    assert {*fields(shown)} == NUMBER_ASKED - ({"order"} if pasted == orders.UNKNOWN else set())
    await desk.customer.submit_modal(shown, {"topic": "order_not_found", "number": " #1042 "})

    (card,) = [message for message in desk.support.history() if message.embeds]
    assert f"**{text}**" in str(card.embeds[0].description)
    assert str(desk.thread().name).startswith(f"#1 · {text} · ")
    desk.speaks(desk.moderator, language)
    listed = await desk.moderator.slash(desk.channel, "requests open")
    assert text in str(reply(listed).embeds[0].description)


async def test_for_an_order_that_was_read_the_form_asks_for_no_number(desk: Desk) -> None:
    await desk.set_up()

    assert {*fields(await form(desk, orders.USED_UP))} == {"topic", "words"}


@pytest.mark.parametrize(
    "pasted", ["#1050", "1050", "Order #1050", "Bestellung Nr. 1050", "my order number is: 1050!", "№1050"]
)
async def test_an_order_number_that_was_pasted_is_in_the_form_already(desk: Desk, pasted: str) -> None:
    await desk.set_up()

    shown = await form(desk, pasted)

    assert shown.modal is not None
    inputs = [item["component"] for item in shown.modal["components"] if "component" in item]
    assert [each["value"] for each in inputs if each["custom_id"] == "number"] == ["1050"]
    await desk.customer.submit_modal(shown, {"topic": "other", "number": "1050"})
    assert "**Order #1050 (unverified)**" in str(desk.card().embeds[0].description)


async def test_a_part_of_an_order_id_beside_a_number_gets_into_no_button_and_into_no_form(desk: Desk) -> None:
    await desk.set_up()

    refused = await desk.mydownloads("1050 0c732eb6fd98")
    shown = await desk.customer.click(reply(refused), label="Get help")

    assert "0c732eb6" not in str(buttons(reply(refused)))
    assert "0c732eb6" not in str(shown.modal)
    await desk.customer.submit_modal(shown, {"topic": "other", "order": "1050 0c732eb6fd98", "number": " "})
    assert "0c732eb6" not in seen(desk)


@pytest.mark.parametrize(
    ("typed", "number"),
    [
        ("Order #1051", "1051"),
        ("Nr: #EU-1051-A.", "EU-1051-A"),
        ("order#1051", "1051"),
        ("1051 or 1052", "1051 or 1052"),
    ],
)
async def test_a_number_is_kept_without_what_was_typed_around_it_and_the_customer_reads_no_doubt_about_it(
    desk: Desk, typed: str, number: str
) -> None:
    await desk.set_up()
    await desk.customer.submit_modal(await form(desk, "#1"), {"topic": "other", "number": typed})
    assert f"**Order #{number} (unverified)**" in str(desk.card().embeds[0].description).replace("\\", "")

    await desk.answers(words="Look again.")

    (asked, _) = desk.direct()[-1].embeds[0].fields
    assert str(asked.value).replace("\\", "").splitlines()[0] == f"Order #{number}"


async def test_an_order_number_among_the_links_is_taken_as_a_number(desk: Desk) -> None:
    await desk.set_up()

    await desk.customer.submit_modal(await form(desk, "#1050"), {"topic": "other", "order": "#1050", "number": " "})

    description = str(desk.card().embeds[0].description)
    assert "**Order #1050 (unverified)**" in description
    assert "What was pasted is an order number, not an order ID." in description


@pytest.mark.parametrize(
    "pasted", [orders.USED_UP, f"https://my-store.com/account/orders/{orders.USED_UP}"[-20:], orders.USED_UP[:18]]
)
@pytest.mark.parametrize("known", [True, False])
async def test_an_order_id_in_the_number_is_a_reference_and_shown_to_nobody(
    desk: Desk, pasted: str, *, known: bool
) -> None:
    await desk.set_up()
    await form(desk, orders.UNKNOWN)
    shown = await form(desk, orders.UNKNOWN if known else "#1")
    assert shown.modal is not None

    await desk.forge(
        shown.modal["custom_id"],
        desk.customer,
        desk.channel,
        inputs={"topic": "other", "number": pasted, "words": "Here."},
    )

    assert pasted[-12:] not in seen(desk)
    if not known and pasted == orders.USED_UP:
        assert "**Order #1051**" in str(desk.card().embeds[0].description)


@pytest.mark.parametrize(
    "number", ["@everyone", "[x](https://evil.example)", "**1** <@1> `a`", "1\n# 2", "9" * 500, "\u202e5"]
)
async def test_a_hostile_number_has_no_effect(desk: Desk, number: str) -> None:
    await desk.set_up()
    shown = await form(desk, "#1")
    assert shown.modal is not None

    await desk.forge(shown.modal["custom_id"], desk.customer, desk.channel, inputs={"topic": "other", "number": number})

    assert "@everyone" not in seen(desk)
    assert "evil.example" not in seen(desk)
    assert "9" * 21 not in seen(desk)
    assert "\u202e" not in seen(desk)
    assert "<@1>" not in seen(desk)


async def test_a_number_that_is_told_later_is_added_to_the_open_request(desk: Desk) -> None:
    await desk.set_up()
    inputs = {"topic": "other", "words": "Where is it?"}
    await desk.forge("help:file::wrong_reference.order_number", desk.customer, desk.channel, inputs=inputs)
    assert "Order not known" in str(desk.card().embeds[0].description)

    again = await desk.customer.submit_modal(await form(desk, "#1"), {"topic": "other", "number": "1042"})

    assert reply(again).content.startswith("You asked about this before, and help request #1 is still open.")
    assert "**Order #1042 (unverified)**" in str(desk.card().embeds[0].description)


async def test_once_fileflare_has_said_the_number_it_is_shown_as_the_orders(desk: Desk) -> None:
    await desk.set_up()
    await desk.sample.stop()
    shown = await form(desk, orders.USED_UP)
    await desk.customer.submit_modal(shown, {"topic": "other", "number": "777"})
    assert "**Order #777 (unverified)**" in str(desk.card().embeds[0].description)
    await desk.restart()
    (ticket,) = (await desk.bot.storage.tickets.page(desk.guild.id, 1)).tickets

    await desk.bot.storage.tickets.checked(ticket.id, desk.moderator.id, "1051", ())
    await desk.later()

    assert "**Order #1051**" in str(desk.card().embeds[0].description)


@pytest.mark.parametrize(
    ("language", "words"),
    [
        (
            "en-US",
            (
                "Get help",
                "**You have 2 open help requests, and this store takes no more at once.**",
                "To add something to an open one, press its button.",
                "Write back",
            ),
        ),
        (
            "de",
            (
                "Hilfe holen",
                "**Du hast 2 offene Hilfeanfragen, und mehr auf einmal nimmt dieser Shop nicht an.**",
                "Um einer offenen etwas hinzuzufügen, drücke ihren Knopf.",
                "Zurückschreiben",
            ),
        ),
    ],
)
@pytest.mark.settings(help_open_per_person=2)
async def test_at_the_limit_nobody_fills_in_a_form_but_is_led_to_their_open_requests(
    desk: Desk, language: str, words: tuple[str, str, str, str]
) -> None:
    help_label, head, tail, write = words
    await desk.set_up()
    await desk.ask_for_help()
    await desk.ask_for_help(orders.EMPTY)
    desk.speaks(desk.customer, language)

    refused = await form(desk, orders.DOCUMENTED, help_label)

    assert refused.modal is None
    assert reply(refused).content.startswith(head)
    assert reply(refused).content.endswith(tail)
    order = {"en-US": "Order", "de": "Bestellung"}[language]
    assert labels(reply(refused)) == [f"{write} · {order} #1052", f"{write} · {order} #1051"]
    shown = await desk.customer.click(reply(refused), label=f"{write} · {order} #1051")
    await desk.customer.submit_modal(shown, {"words": "One more thing."})
    assert desk.notes(1)[-1].endswith("> One more thing.")


@pytest.mark.settings(help_open_per_person=1)
async def test_the_limit_lets_an_open_request_be_added_to(desk: Desk) -> None:
    await desk.set_up()
    await desk.ask_for_help()

    added = await desk.ask_for_help(words="Also this.")

    assert reply(added).content.startswith(
        "You asked about this before, so I have added your words to help request #1."
    )


@pytest.mark.parametrize(
    ("language", "label", "title", "said"),
    [
        ("en-US", "Get help", "Add to help request #1", "Your help request #1 about this order is open: what you send"),
        ("de", "Hilfe holen", "Hilfeanfrage #1 ergänzen", "Deine Hilfeanfrage #1 zu dieser Bestellung ist offen: Was"),
    ],
)
async def test_the_form_says_that_it_adds_to_the_open_request_about_the_order(
    desk: Desk, language: str, label: str, title: str, said: str
) -> None:
    await desk.set_up()
    await desk.ask_for_help()
    desk.speaks(desk.customer, language)

    again, other = await form(desk, orders.USED_UP, label), await form(desk, orders.EMPTY, label)

    assert again.modal is not None
    assert other.modal is not None
    assert again.modal["title"] == title
    assert again.modal["components"][-1]["content"].startswith(said)
    assert again.modal["components"][0]["label"] == ("What is wrong?" if language == "en-US" else "Was stimmt nicht?")
    assert other.modal["title"] == label
    assert "#1" not in str(other.modal)


async def test_who_writes_a_link_reads_that_it_was_left_out(desk: Desk) -> None:
    await desk.set_up()
    left_out = "I left out links and order IDs in your words: whoever has your order link has your files."
    link = f"https://my-store.com/account/orders/{orders.USED_UP}"

    plain = await desk.ask_for_help(orders.EMPTY, "It says […].")
    filed = await desk.ask_for_help(words=f"Look: {link}")
    await desk.answers(words="Try again, please.", number=2)
    shown = await desk.at_home.click(desk.direct()[0], label="Write back")
    wrote = await desk.at_home.submit_modal(shown, {"words": f"No: {link}"})

    assert left_out not in reply(plain).content
    assert left_out in reply(filed).content.splitlines()
    assert left_out in reply(wrote).content.splitlines()
    assert "If your direct messages are closed, I mention you in this channel" in reply(filed).content


@pytest.mark.settings(help_a_day_per_person=1)
async def test_the_limit_of_a_day_is_said_before_the_form_too(desk: Desk) -> None:
    await desk.set_up()
    await desk.ask_for_help()
    await desk.resolves()

    refused = await form(desk, orders.EMPTY)

    assert refused.modal is None
    assert reply(refused).content.startswith("**You have filed as many help requests as you can in a day.**")
    assert "You can file another one <t:" in reply(refused).content
    assert not buttons(reply(refused))


@pytest.mark.parametrize("fault", ["away", "slow"])
async def test_while_the_database_does_not_say_in_time_the_form_opens_all_the_same(
    desk: Desk, storage: Storage, monkeypatch: pytest.MonkeyPatch, fault: str
) -> None:
    await desk.set_up()
    lookup = await desk.mydownloads(orders.USED_UP)

    async def away(*_arguments: object, **_more: object) -> None:
        if fault == "slow":
            await asyncio.sleep(3)
        raise StorageUnavailable("away")

    monkeypatch.setattr(storage.tickets, "require_room", away)
    shown = await desk.customer.click(reply(lookup), label="Get help")

    assert {*fields(shown)} == {"topic", "words"}


@pytest.mark.parametrize(
    ("language", "label", "text"),
    [
        ("en-US", "Get help", "Lately, most answers here took at most: 3 hours."),
        ("de", "Hilfe holen", "Zuletzt dauerten die meisten Antworten hier höchstens: 3 Stunden."),
    ],
)
async def test_who_has_filed_reads_how_long_answers_take_if_enough_is_known(
    desk: Desk, language: str, label: str, text: str
) -> None:
    await desk.set_up()
    desk.speaks(desk.customer, language)
    tickets, database = desk.bot.storage.tickets, desk.bot.storage._database  # noqa: SLF001 - no time machine
    for user_id in range(1, 6):
        early = await desk.customer.submit_modal(await form(desk, orders.EMPTY, label), {"topic": "other"})
        assert text not in reply(early).content
        filed = await tickets.file(new_ticket(user_id, guild_id=desk.guild.id))
        await tickets.answered(filed.ticket.id, desk.moderator.id, "Hello.")
        earlier = sa.update(TicketRow).where(TicketRow.id == filed.ticket.id)
        async with database.writing() as session:
            await session.execute(earlier.values(created_at=utc_now() - timedelta(hours=2)))

    filed_now = await desk.customer.submit_modal(await form(desk, orders.USED_UP, label), {"topic": "other"})
    again = await desk.customer.submit_modal(await form(desk, orders.USED_UP, label), {"topic": "other"})

    assert reply(filed_now).content.endswith(f"\n{text}")
    assert text not in reply(again).content


@pytest.mark.parametrize("pasted", ["#not-an-id", "0c732eb6fd98", orders.UNKNOWN])
async def test_for_an_order_that_is_not_found_the_form_asks_for_its_number_or_what_was_bought(
    desk: Desk, pasted: str
) -> None:
    await desk.set_up()

    number = fields(await form(desk, pasted))["number"]

    assert not number["component"]["required"]
    assert number["description"].endswith("None at hand? Say below what you bought, and when.")
    assert not fields(await form(desk, orders.DOCUMENTED)).get("number")


@pytest.mark.parametrize("unknown", ["", "0c732eb6fd98", "no idea", orders.UNKNOWN])
@pytest.mark.parametrize("finding", ["wrong_reference.cut_off", "not_found.", "paused.", "."])
async def test_nothing_that_finds_no_order_is_filed_as_one_that_is_not_found(
    desk: Desk, finding: str, unknown: str
) -> None:
    await desk.set_up()

    inputs = {"topic": "order_not_found", "order": unknown}
    refused = await desk.forge(f"help:file::{finding}", desk.customer, desk.channel, inputs=inputs)

    assert reply(refused).content.startswith("**Without the order number nobody can find it.**")
    assert desk.support.history() == []


@pytest.mark.limits(misses_per_user=1)
async def test_nor_is_it_during_a_pause(desk: Desk) -> None:
    await desk.set_up()
    await desk.mydownloads("1" * 31 + "a")
    shown = await form(desk, orders.UNKNOWN)
    assert shown.modal is not None

    inputs = {"topic": "order_not_found"}
    refused = await desk.forge(shown.modal["custom_id"], desk.customer, desk.channel, inputs=inputs)

    assert reply(refused).content.startswith("**Without the order number nobody can find it.**")


async def test_an_unknown_order_without_anything_to_find_it_by_is_not_filed(desk: Desk) -> None:
    await desk.set_up()
    shown = await form(desk, orders.UNKNOWN)
    assert next(iter(fields(shown))) == "number"
    assert shown.modal is not None

    inputs = {"topic": "order_not_found"}
    refused = await desk.forge(shown.modal["custom_id"], desk.customer, desk.channel, inputs=inputs)

    assert reply(refused).content.startswith("**Without the order number nobody can find it.**")
    assert desk.support.history() == []
    again = await desk.customer.click(reply(refused), label="Give the order number")
    assert next(iter(fields(again))) == "number"
    filed = await desk.customer.submit_modal(again, {"topic": "order_not_found", "number": "1042"})
    assert "Your help request is #1." in reply(filed).content
    assert "Order #1042 (unverified)" in str(desk.card().embeds[0].description)


@pytest.mark.parametrize("given", [{"words": "Bought yesterday."}, {"topic": "other"}])
async def test_with_words_or_another_topic_it_is_filed_without_a_number(desk: Desk, given: dict[str, str]) -> None:
    await desk.set_up()

    inputs = {"topic": "order_not_found", **given}
    filed = await desk.forge("help:file::wrong_reference.not_an_id", desk.customer, desk.channel, inputs=inputs)

    assert "Your help request is #1." in reply(filed).content
