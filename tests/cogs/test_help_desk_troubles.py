"""Tickets when a channel, a permission or the database is missing, and who may do what with them."""

import re
import sqlite3
from collections.abc import Callable
from contextlib import closing
from pathlib import Path

import discord
import pytest
from desk import Desk, Log, buttons, embed, first_option, labels, reply
from desk import page as page_text
from simcord.builders import ChannelHandle

from fileflare_bot.demo import orders
from fileflare_bot.settings import Settings
from fileflare_bot.storage.errors import StorageUnavailable
from fileflare_bot.storage.records import NewTicket, TicketDetails, Topic
from fileflare_bot.storage.storage import Storage

LINK = f"https://my-store.com/account/orders/{orders.USED_UP}"


async def test_without_a_support_channel_the_customer_is_told_who_to_ask(desk: Desk) -> None:
    lookup = await desk.mydownloads(orders.USED_UP)

    refused = await desk.customer.click(reply(lookup), label="Get help")

    assert refused.modal is None
    assert reply(refused).content == (
        f"**This server has no help desk yet.** Ask <@{desk.owner.id}> and give them the order number, "
        "never the order link or the order ID."
    )


async def test_a_button_of_an_earlier_version_in_a_direct_message_says_where_to_go(desk: Desk) -> None:
    await desk.set_up()
    await desk.at_home.slash("mydownloads", **{"order-id": orders.USED_UP})
    home = ChannelHandle(desk.env, None, desk.env.backend.get_dm_channel(desk.customer.id))

    refused = await desk.forge("help:ask::used_up.", desk.customer, home)

    assert reply(refused).content.startswith("**That works in a server only.** Go to the server of the store")


async def test_a_second_request_about_an_order_leads_to_the_first_and_its_words_are_added(desk: Desk) -> None:
    await desk.set_up()
    await desk.ask_for_help()

    again = await desk.ask_for_help(words="Also, the second file is broken.")

    assert reply(again).content.startswith(
        "You asked about this before, so I have added your words to help request #1."
    )
    assert desk.notes()[-1] == f"<@{desk.customer.id}> writes:\n> Also, the second file is broken."
    assert len([message for message in desk.support.history() if message.embeds]) == 1


@pytest.mark.settings(help_open_per_person=1)
async def test_a_customer_who_reaches_the_limit_while_they_write_gets_their_words_back(desk: Desk) -> None:
    await desk.set_up()
    shown = await desk.customer.click(reply(await desk.mydownloads(orders.EMPTY)), label="Get help")
    await desk.ask_for_help()

    refused = await desk.customer.submit_modal(shown, {"topic": "other", "words": "My other order is empty."})

    assert reply(refused).content.startswith("**You have 1 open help request, and this store takes no more at once.**")
    assert "\n> My other order is empty." in reply(refused).content


@pytest.mark.parametrize(
    ("pasted", "topic", "found"),
    [
        ("#1050", "order_not_found", "What was pasted is an order number, not an order ID."),
        ("https://shopify.com/1/account/orders/22", "order_not_found", "pasted is the address of a customer account"),
        (orders.UNKNOWN, "order_not_found", "Fileflare knows no order with the ID that the customer gave."),
        (orders.EMPTY, "files_missing", "The order exists, but there are no files on it."),
    ],
)
async def test_help_is_offered_on_each_refusal_that_a_moderator_can_fix_with_a_likely_topic(
    desk: Desk, pasted: str, topic: str, found: str
) -> None:
    await desk.set_up()
    lookup = await desk.mydownloads(pasted)

    shown = await desk.customer.click(reply(lookup), label="Get help")

    assert shown.modal is not None
    parts = [item["component"] for item in shown.modal["components"] if "component" in item]
    (topics,) = [part for part in parts if part["custom_id"] == "topic"]
    assert [option["value"] for option in topics["options"] if option.get("default")] == [topic]
    number = {"number": "1050"} if topic == "order_not_found" else {}
    await desk.customer.submit_modal(shown, {"topic": topic, "words": "Bought yesterday.", **number})
    assert found in str(desk.card().embeds[0].description)


async def test_an_outage_can_be_reported_too(desk: Desk) -> None:
    await desk.set_up()
    await desk.sample.stop()
    lookup = await desk.mydownloads(orders.USED_UP)

    shown = await desk.customer.click(reply(lookup), label="Get help")
    await desk.customer.submit_modal(shown, {"topic": "download_fails"})

    assert "That is an outage, and says nothing about the order." in str(desk.card().embeds[0].description)
    assert labels(desk.card())[1] == "Check again"


async def test_after_a_restart_the_modal_asks_for_the_order_and_reads_it(desk: Desk) -> None:
    await desk.set_up()
    lookup = await desk.mydownloads(orders.USED_UP)
    await desk.restart()

    shown = await desk.customer.click(reply(lookup), label="Get help")
    await desk.customer.submit_modal(shown, {"topic": "nothing_left", "order": LINK})

    assert "wallpapers.zip: no downloads left" in str(desk.card().embeds[0].description)


async def test_a_link_or_an_id_in_the_customers_words_is_hidden_from_moderators(desk: Desk) -> None:
    await desk.set_up()

    await desk.ask_for_help(words=f"My order is {LINK} or {orders.USED_UP}, and\nhttps://evil.example/x?y=1 too.")
    await desk.answers(words="I see.")
    shown = await desk.at_home.click(desk.direct()[0], label="Write back")
    await desk.at_home.submit_modal(shown, {"words": f"Look: {LINK}"})

    assert "> My order is \\[…\\] or \\[…\\], and \\[…\\] too." in str(desk.card().embeds[0].description)
    messages = [*desk.support.history(), *desk.thread().history()]
    seen = str([(message.content, [embed.to_dict() for embed in message.embeds]) for message in messages])
    assert orders.USED_UP not in seen
    assert "http" not in seen


async def test_a_deleted_card_can_be_posted_again_and_the_request_goes_on(desk: Desk) -> None:
    await desk.set_up()
    await desk.ask_for_help()
    await desk.moderator.delete(desk.card())

    page = await desk.moderator.slash(desk.channel, "requests open")
    shown = await desk.moderator.select(reply(page), [first_option(page)], custom_id="requests:show")
    taken = await desk.moderator.click(reply(shown), label="Take")
    assert reply(taken).content == "Help request #1 is yours now."
    posted = await desk.moderator.click(reply(shown), label="Post the card again")

    assert reply(posted).content == (
        f"Posted: the card of help request #1 is the newest in <#{desk.support.id}>. If the old one is still there, I "
        "delete it."
    )
    assert f"**Taken** by <@{desk.moderator.id}>" in str(desk.card().embeds[0].description)


async def test_a_button_that_would_post_the_card_of_a_closed_request_again_leaves_the_card_and_offers_to_reopen(
    desk: Desk,
) -> None:
    await desk.set_up()
    await desk.ask_for_help()
    page = await desk.moderator.slash(desk.channel, "requests open")
    copy = await desk.moderator.select(reply(page), [first_option(page)], custom_id="requests:show")
    await desk.resolves()
    card, thread = desk.card(), desk.thread()

    refused = await desk.moderator.click(reply(copy), label="Post the card again")

    assert reply(refused).content.startswith("**The help request is closed already:**")
    assert labels(reply(refused)) == ["Reopen"]
    await desk.bot.reconciler.run()
    assert (desk.card().id, desk.thread().id) == (card.id, thread.id)


async def test_a_deleted_channel_is_named_and_the_request_moves_to_a_new_one(desk: Desk) -> None:
    await desk.set_up()
    await desk.ask_for_help()
    desk.env.backend.delete_channel(desk.support.id)
    await desk.env.settle()

    filed = await desk.ask_for_help(orders.EMPTY, "Where are they?")
    assert reply(filed).content.startswith(
        "Your help request is saved as #2. I could not confirm yet that the moderators see it; I go on trying."
    )
    setup = await desk.owner.slash(desk.channel, "store setup")
    assert "This channel does not exist any more, or I cannot see it" in page_text(setup)
    desk.support = desk.guild.create_text_channel("support-2")
    await desk.had_stored(support_channel_id=desk.support.id)
    page = await desk.moderator.slash(desk.channel, "requests open")
    shown = await desk.moderator.select(reply(page), [first_option(page)], custom_id="requests:show")
    await desk.moderator.click(reply(shown), label="Post the card again")

    assert "**Open.**" in str(desk.card(1).embeds[0].description)


async def test_messages_for_a_deleted_thread_go_to_the_channel(desk: Desk) -> None:
    await desk.set_up()
    await desk.ask_for_help()
    await desk.answers(words="Try again.")
    desk.env.backend.delete_channel(desk.thread().id)
    await desk.env.settle()

    shown = await desk.at_home.click(desk.direct()[0], label="Write back")
    sent = await desk.at_home.submit_modal(shown, {"words": "No luck."})

    assert reply(sent).content == "The moderators have it: help request #1."
    last = desk.support.last_message
    assert last is not None
    assert last.embeds[0].description == f"<@{desk.customer.id}> writes:\n> No luck."
    assert last.embeds[0].footer.text == "Help request #1"
    assert last.reference is not None
    assert last.reference.message_id == desk.card().id


async def test_if_discord_drops_the_card_the_customer_is_told_that_the_request_is_saved(desk: Desk) -> None:
    await desk.set_up()
    desk.env.inject_error("POST", f"/channels/{desk.support.id}/messages", status=503, times=None)

    filed = await desk.ask_for_help()

    assert reply(filed).content.startswith(
        "Your help request is saved as #1. I could not confirm yet that the moderators see it; I go on trying."
    )


@pytest.mark.parametrize("words", ["", "Also, the second file is broken."])
@pytest.mark.parametrize("dropped", ["card", "note"])
async def test_whoever_presses_again_while_discord_drops_it_is_not_told_that_the_moderators_have_it(
    desk: Desk, dropped: str, words: str
) -> None:
    await desk.set_up()
    if dropped == "note":
        await desk.ask_for_help()
    where = desk.support if dropped == "card" else desk.thread()
    desk.env.inject_error("POST", f"/channels/{where.id}/messages", status=503, times=None)
    if dropped == "card" or not words:
        await desk.ask_for_help(words="It fails.")

    again = await desk.ask_for_help(words=words)

    assert reply(again).content.startswith(
        "Your help request is saved as #1. I could not confirm yet that the moderators see it; I go on trying."
    )
    assert "Their answer comes to you" not in reply(again).content
    desk.env.backend.faults.clear()
    await desk.later()
    sent = await desk.ask_for_help(words="Is anybody there?")
    assert "The moderators see them there. Their answer comes to you" in reply(sent).content


async def test_an_answer_that_discord_drops_is_reported_to_the_moderator_and_the_card_stays(desk: Desk) -> None:
    await desk.set_up()
    await desk.ask_for_help()
    for method, path in (("POST", f"/channels/{desk.channel.id}/messages"), ("POST", "/users/@me/channels")):
        desk.env.inject_error(method, path, status=503, times=None)
    desk.env.inject_error("PATCH", f"/channels/{desk.support.id}/messages/*", status=503, times=None)

    answered = await desk.answers(words="Hello.")

    assert reply(answered).content.startswith("Help request #1: **It is saved, but Discord has not confirmed")
    listed = await desk.moderator.slash(desk.channel, "requests open")
    assert f"/{desk.card().id})" in str(reply(listed).embeds[0].description)
    desk.env.backend.faults.clear()
    await desk.later()
    assert desk.direct()[-1].embeds[0].description == "Hello."
    assert f"**Taken** by <@{desk.moderator.id}>" in str(desk.card().embeds[0].description)
    assert desk.notes()[-1].endswith("Sent by direct message.")


async def test_a_moderator_role_works_without_manage_messages_until_it_is_deleted(desk: Desk) -> None:
    role = desk.guild.create_role("Volunteers")
    volunteer = desk.guild.add_member(desk.env.create_user("vera"), roles=[role])
    await desk.set_up(roles=[role])
    await desk.ask_for_help()
    desk.support = desk.channel  # where everybody can press
    desk.env.backend.delete_role(desk.guild.id, role.id)
    await desk.env.settle()

    page = await desk.moderator.slash(desk.channel, "requests open")
    shown = await desk.moderator.select(reply(page), [first_option(page)], custom_id="requests:show")
    assert labels(reply(shown))[0] == "Take"
    lookup = await desk.mydownloads(orders.USED_UP, person=volunteer)
    assert "Get help" in labels(reply(lookup))
    setup = await desk.owner.slash(desk.channel, "store setup")
    assert "**Moderators:** who may manage messages or the server" in page_text(setup)


async def test_a_volunteer_with_the_moderator_role_works_on_requests(desk: Desk) -> None:
    role = desk.guild.create_role("Volunteers")
    volunteer = desk.guild.add_member(desk.env.create_user("vera"), roles=[role])
    await desk.set_up(roles=[role])
    desk.support = desk.guild.create_text_channel("open-support")
    await desk.had_stored(support_channel_id=desk.support.id)
    await desk.ask_for_help()

    taken = await desk.press("Take", person=volunteer)

    assert reply(taken).content == "Help request #1 is yours now."


async def test_a_member_without_rights_is_refused_at_every_button(desk: Desk) -> None:
    desk.support = desk.guild.create_text_channel("open-support")
    await desk.had_stored(support_channel_id=desk.support.id)
    await desk.ask_for_help()

    for label in ("Take", "Check again", "Answer", "Resolve", "Details"):
        refused = await desk.press(label, person=desk.member)
        assert reply(refused).ephemeral
        assert reply(refused).content == "**Only this server's moderators can do that.**"
    await desk.press("Take")
    assert "moderators" in reply(await desk.press("Hand over", person=desk.member)).content
    assert "Your own words" in str(reply(await desk.press("Answer")).components)
    assert (await desk.press("Resolve")).modal
    await desk.resolves()
    assert "moderators" in reply(await desk.press("Reopen", person=desk.member)).content
    assert "**Resolved:**" in str(desk.card().embeds[0].description)


@pytest.mark.parametrize(
    ("command", "options"),
    [
        ("requests open", {}),
        ("requests mine", {}),
        ("requests stats", {}),
        ("check", {"order-id": orders.USED_UP}),
        ("answers add", {"name": "hello"}),
        ("answers list", {}),
        ("answers edit", {"name": "hello"}),
        ("answers remove", {"name": "hello"}),
    ],
)
async def test_a_member_who_was_given_a_command_in_integrations_is_still_refused(
    desk: Desk, command: str, options: dict[str, str]
) -> None:
    """An owner can open a command to everybody in Integrations; the code checks again."""
    await desk.set_up()
    for name in ("requests", "check", "answers"):
        desk.env.backend.find_command(name, desk.guild.id, type=1)["default_member_permissions"] = None  # type: ignore[index] # it is there

    refused = await desk.member.slash(desk.channel, command, **options)

    assert reply(refused).ephemeral
    assert reply(refused).content == "**Only this server's moderators can do that.**"


async def test_a_moderator_of_one_server_cannot_touch_a_request_of_another(desk: Desk) -> None:
    await desk.set_up()
    await desk.ask_for_help()
    (taking,) = [found["custom_id"] for found in buttons(desk.card()) if found.get("label") == "Take"]
    other = desk.env.create_guild("Another Shop", owner=desk.env.create_user("otto"))
    channel = other.create_text_channel("general")
    role = other.create_role("Mods", permissions=discord.Permissions(manage_messages=True))
    moderator = other.add_member(desk.env.create_user("moe"), roles=[role])

    refused = await desk.forge(taking, moderator, channel)

    assert reply(refused).content == "**That help request does not exist any more.**"
    listed = await moderator.slash(channel, "requests open")
    assert reply(listed).embeds[0].description == "No help request is open. New ones come into the support channel."
    assert "**Open.**" in str(desk.card().embeds[0].description)


async def test_with_the_database_away_downloads_work_and_what_needs_it_says_so(
    desk: Desk, storage: Storage, monkeypatch: pytest.MonkeyPatch
) -> None:
    await desk.set_up()
    lookup = await desk.mydownloads(orders.USED_UP)
    shown = await desk.customer.click(reply(lookup), label="Get help")

    def away(*_arguments: object) -> None:
        raise StorageUnavailable("away")

    for context in ("reading", "writing"):
        monkeypatch.setattr(storage.tickets._database, context, away)  # noqa: SLF001 - the fault itself
    refused = await desk.customer.submit_modal(shown, {"topic": "other", "words": "Please help."})
    found = await desk.mydownloads(orders.DOCUMENTED)

    assert reply(refused).content.startswith("**My database cannot be reached right now.** /mydownloads still")
    assert "\n> Please help." in reply(refused).content
    assert "5 of 10 left" in str(reply(found).embeds[0].description)
    for command in ("requests open", "requests stats"):
        told = await desk.moderator.slash(desk.channel, command)
        assert reply(told).content.startswith("**My database cannot be reached right now.**")
    assert reply(await desk.customer.slash(desk.channel, "privacy")).content.startswith("**My database")
    typed = {"words": f"Open {LINK} or ABCDEFGHIJKLMNOP1234."}
    for form in ("answered", "resolved"):
        told = await desk.forge(f"tickets:{form}:1", desk.moderator, desk.support, inputs={**typed})
        assert reply(told).content.startswith("**My database")
        assert "Open […] or […]." in reply(told).content


async def test_a_request_that_a_crash_left_unposted_is_posted_at_the_next_start(desk: Desk, storage: Storage) -> None:
    await desk.set_up()
    await storage.tickets.file(
        NewTicket(desk.guild.id, desk.customer.id, desk.channel.id, "en", Topic.OTHER, TicketDetails(words="Hello?"))
    )

    await desk.restart()

    assert "> Hello?" in str(desk.card(1).embeds[0].description)


async def test_no_order_id_and_no_link_is_in_clear_in_the_database(
    desk: Desk, bot_settings: Settings, tmp_path: Path, stored: Callable[[], bytes]
) -> None:
    await desk.set_up(log=True)
    await desk.ask_for_help(words=f"It is {LINK}")
    await desk.press("Take")
    await desk.press("Check again")
    await desk.answers(words="The answer itself.")
    await desk.moderator.slash(desk.channel, "check", **{"order-id": LINK})

    raw = stored()
    with closing(sqlite3.connect(tmp_path / "fileflare.db")) as connection:
        dump = "\n".join(connection.iterdump())
    for secret in (orders.USED_UP, "/download/", "my-store.com", "wallpapers", "The answer itself"):
        assert secret.encode() not in raw
        assert secret not in dump
    assert not re.search(rb"\b1051\b", raw)  # as a word of its own: times and ciphertexts hold any four digits
    assert not re.search(r"\b1051\b", dump)
    assert "help_requests" in dump
    assert bot_settings.secret_keys == ()


async def test_the_log_of_a_request_names_no_person_and_no_text(desk: Desk, log: Log) -> None:
    await desk.set_up()
    await desk.ask_for_help(words="Nobody may log this sentence.")
    await desk.answers(words="Nor this one.")

    assert {event["ticket"] for event in log.all() if "ticket" in event} == {1}
    assert "Nobody may log" not in log.getvalue()
    assert "Nor this one" not in log.getvalue()
    assert str(desk.customer.id) not in log.getvalue()


def pings(desk: Desk) -> list[str]:
    """Return whom the messages about help requests have pinged."""
    posted = [call.json or {} for call in desk.env.http_requests if call.path.endswith("/messages")]
    mentions = [(body.get("allowed_mentions") or {}, str(body.get("content"))) for body in posted]
    return [content for allowed, content in mentions if allowed.get("users") or allowed.get("roles")]


@pytest.mark.settings(help_a_day_per_person=1)
async def test_asking_again_for_help_has_the_limit_of_writing_back_and_nothing_is_posted_beyond_it(desk: Desk) -> None:
    await desk.set_up()
    await desk.ask_for_help()
    for number in range(10):
        added = await desk.ask_for_help(words=f"Hello? {number}")
        assert reply(added).content.startswith("You asked about this before, so I have added your words to")
    notes = desk.notes()

    refused = await desk.ask_for_help(words="And once more.")

    assert reply(refused).content.startswith("**You have written to the moderators as often as you can in a day.**")
    assert "\n> And once more." in reply(refused).content
    assert desk.notes() == notes
    assert len([note for note in notes if "Hello?" in note]) == 10
    await desk.answers(words="I am on it.")
    shown = await desk.at_home.click(desk.direct()[0], label="Write back")
    again = await desk.at_home.submit_modal(shown, {"words": "And once more."})
    assert reply(again).content.startswith("**You have written to the moderators as often as you can in a day.**")
    await desk.later(days=1)
    added = await desk.ask_for_help(words="It is tomorrow.")
    assert reply(added).content.startswith(
        "You asked about this before, so I have added your words to help request #1."
    )


async def test_a_request_pings_at_most_once_in_five_minutes_whatever_is_done_with_it(desk: Desk) -> None:
    role = desk.guild.create_role("Helpers", mentionable=True)
    await desk.set_up()
    setup = await desk.owner.slash(desk.channel, "store setup")
    await desk.owner.select(reply(setup), [role], custom_id="store_setup:set:ping_role_id")
    await desk.ask_for_help()
    await desk.press("Take")

    async def everything() -> None:
        await desk.ask_for_help(words="Hello?")
        await desk.answers(words="I am on it.")
        shown = await desk.at_home.click(desk.direct()[-1], label="Write back")
        await desk.at_home.submit_modal(shown, {"words": "Thank you."})
        await desk.resolves()
        await desk.press("Reopen")
        page = await desk.moderator.slash(desk.channel, "requests open")
        shown = await desk.moderator.select(reply(page), [first_option(page)], custom_id="requests:show")
        await desk.moderator.click(reply(shown), label="Post the card again")

    await everything()
    assert pings(desk) == [f"<@&{role.id}>"]
    await desk.later()
    await desk.ask_for_help(words="Still there?")
    assert desk.notes()[-1].endswith("> Still there?")
    await everything()

    assert pings(desk) == [f"<@&{role.id}>", f"<@{desk.moderator.id}>"]


async def test_who_gets_a_request_handed_over_is_pinged_in_any_case(desk: Desk) -> None:
    await desk.set_up()
    await desk.ask_for_help()
    await desk.press("Take")
    await desk.ask_for_help(words="Hello?")

    await desk.moderator.submit_modal(await desk.press("Hand over"), {"moderator": [desk.colleague]})
    await desk.ask_for_help(words="Who has it?")

    assert pings(desk) == [f"<@{desk.moderator.id}>", f"<@{desk.colleague.id}>"]


async def test_who_gets_a_request_handed_over_is_pinged_by_what_discord_has_not_taken_before(desk: Desk) -> None:
    await desk.set_up()
    await desk.ask_for_help()
    await desk.press("Take")
    desk.env.inject_error("POST", f"/channels/{desk.thread().id}/messages", status=503, times=None)
    await desk.ask_for_help(words="Hello?")
    await desk.moderator.submit_modal(await desk.press("Hand over"), {"moderator": [desk.colleague]})
    desk.env.backend.faults.clear()
    before = len(desk.env.http_requests)

    await desk.later()

    posted = [call.json or {} for call in desk.env.http_requests[before:] if call.path.endswith("/messages")]
    assert [body["content"] for body in posted if body.get("content")] == [f"<@{desk.colleague.id}>"]
    assert [each.split(":")[0] for each in desk.notes()] == [
        f"<@{desk.customer.id}> writes",
        f"🤝 <@{desk.moderator.id}> has handed it to <@{desk.colleague.id}>.",
    ]


@pytest.mark.parametrize("pressed", ["Reopen", "Write back"])
async def test_a_closing_message_that_arrives_late_does_not_say_that_an_open_request_is_closed(
    desk: Desk, pressed: str
) -> None:
    await desk.set_up()
    await desk.ask_for_help()
    await desk.answers(words="Try again.")
    (first,) = desk.direct()
    channel = desk.env.backend.get_dm_channel(desk.customer.id)
    desk.env.inject_error("POST", f"/channels/{channel.id}/messages", status=503, times=None)
    await desk.resolves(words="It works now.")
    if pressed == "Reopen":
        await desk.press("Reopen")
    else:
        await desk.at_home.submit_modal(await desk.at_home.click(first, label=pressed), {"words": "It does not."})
    desk.env.backend.faults.clear()

    await desk.later()

    _, late = desk.direct()
    assert late.embeds[0].title == "Answer to your help request #1"
    assert "It works now." in str(late.embeds[0].description)
    assert labels(late) == ["Write back", "Open my order", "It is solved"]


async def test_who_reopens_a_request_learns_why_not_and_which_other_one_is_open(desk: Desk) -> None:
    await desk.set_up()
    await desk.ask_for_help()
    await desk.resolves()
    old = desk.card()
    await desk.ask_for_help()
    url = f"https://discord.com/channels/{desk.guild.id}/{desk.support.id}/{desk.card(2).id}"

    refused = await desk.moderator.click(old, label="Reopen")
    assert reply(refused).content.startswith(f"**Another help request about it is open: [#2]({url}).**")

    form = await desk.at_home.click(desk.direct()[0], label="Write back")
    written = await desk.at_home.submit_modal(form, {"words": "Hello?"})
    assert "**Another help request about it is open: #2.**" in reply(written).content
    assert "channels/" not in reply(written).content

    await desk.resolves(number=2)
    await desk.moderator.click(old, label="Reopen")
    late = await desk.forge("tickets:reopen:1", desk.colleague, desk.support)
    assert reply(late).content.startswith("**The help request is open already.**")
    done = await desk.forge("tickets:take:2", desk.colleague, desk.support)
    assert reply(done).content.startswith(f"**The help request is closed already:** <@{desk.moderator.id}> closed")


async def test_who_closes_a_colleagues_request_is_told_whose_it_was(desk: Desk) -> None:
    await desk.set_up()
    await desk.ask_for_help()
    await desk.press("Take", person=desk.colleague)

    closed = await desk.resolves()

    assert reply(closed).content.startswith(f"Help request #1 is closed. <@{desk.colleague.id}> had taken it. Sent")


async def test_of_an_order_that_nobody_knows_details_do_not_list_what_its_data_hides(desk: Desk) -> None:
    await desk.set_up()
    form = await desk.customer.click(reply(await desk.mydownloads("#1050")), label="Get help")
    await desk.customer.submit_modal(form, {"topic": "other", "words": "?", "number": "1050"})
    await desk.ask_for_help()

    unknown, known = [await desk.press("Details", number=number) for number in (1, 2)]

    assert not embed(unknown).fields
    assert "Override global limitations" in str(embed(known).fields[0].value)
