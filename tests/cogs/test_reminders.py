"""Requests that nobody goes on with: moderators are reminded, silent customers asked, and their requests closed."""

from datetime import timedelta
from typing import Any

import pytest
from desk import Desk, labels, log_lines, reply
from simcord.backend.cdn import CDN_BASE

from fileflare_bot.demo import orders
from fileflare_bot.storage import intents
from fileflare_bot.storage.options import Options
from fileflare_bot.tickets import screenshots


async def limits(desk: Desk, **values: str) -> None:
    """Set the limits as the owner."""
    setup = await desk.owner.slash(desk.channel, "store setup")
    shown = await desk.owner.click(reply(setup), label="Limits")
    await desk.owner.submit_modal(shown, {"accounts": "1", **values})


async def ready(desk: Desk, **values: str) -> None:
    """Set the bot up with these limits, and file a request."""
    await desk.set_up(log=True)
    await limits(desk, **values)
    await desk.ask_for_help()


def reminders(desk: Desk) -> list[Any]:
    """Return the messages in the support channel that are no card."""
    return [message for message in desk.support.history() if message.reference and message.embeds]


def direct(desk: Desk) -> list[str]:
    """Return the titles of the bot's direct messages to the customer, the oldest first."""
    return [str(message.embeds[0].title) for message in desk.direct()]


def posted(desk: Desk) -> dict[str, Any]:
    """Return what was last sent to the support channel."""
    sent = [call for call in desk.env.http_requests if call.path == f"/channels/{desk.support.id}/messages"]
    return sent[-1].json or {}


def german(options: Options) -> Options:
    """Choose German for what the bot posts in the server."""
    return options.model_copy(update={"language": "de"})


async def writes(desk: Desk, words: str, *, label: str = "Write back") -> None:
    """Press a button below the latest direct message that has it, as the customer, and write."""
    message = next(each for each in reversed(desk.direct()) if label in labels(each))
    await desk.at_home.submit_modal(await desk.at_home.click(message, label=label), {"words": words})


# Moderators


async def test_nobody_is_reminded_or_asked_unless_the_owner_wishes_so(desk: Desk) -> None:
    await desk.set_up()
    await desk.ask_for_help()
    await desk.later(days=30)
    await desk.answers(words="Try again.")

    await desk.later(days=30)
    await desk.later(days=30)

    assert reminders(desk) == []
    assert direct(desk) == ["Answer to your help request #1"]
    assert "**Taken**" in str(desk.card().embeds[0].description)


async def test_a_request_that_nobody_answers_is_brought_up_once_more_below_its_card(desk: Desk) -> None:
    await ready(desk, remind="2")
    await desk.later()
    assert reminders(desk) == []
    ticket = await desk.bot.storage.tickets.get(1)
    assert ticket.stage_since is not None
    since = int(ticket.stage_since.timestamp())

    await desk.later()
    await desk.later(days=20)

    (reminder,) = reminders(desk)
    assert reminder.reference.message_id == desk.card().id
    text = f"⏰ <@{desk.customer.id}> has been waiting for an answer since <t:{since - 3600}:f>."
    assert reminder.embeds[0].description == text
    assert reminder.embeds[0].footer.text == "Help request #1"
    assert not reminder.content
    assert posted(desk)["allowed_mentions"] == {"parse": []}


@pytest.mark.parametrize("limit", [timedelta(minutes=5), timedelta(hours=2)], ids=["long ago", "lately"])
async def test_a_reminder_pings_the_role_to_ping_unless_the_request_has_pinged_lately(
    desk: Desk, monkeypatch: pytest.MonkeyPatch, limit: timedelta
) -> None:
    await desk.set_up()
    role = desk.guild.create_role("Helpers")
    setup = await desk.owner.slash(desk.channel, "store setup")
    await desk.owner.select(reply(setup), [role], custom_id="store_setup:set:ping_role_id")
    await limits(desk, remind="1")
    monkeypatch.setattr(intents, "PING_EVERY", limit)
    await desk.ask_for_help()

    await desk.later()

    (reminder,) = reminders(desk)
    if limit > timedelta(hours=1):
        assert not reminder.content
        assert posted(desk)["allowed_mentions"] == {"parse": []}
    else:
        assert reminder.content == f"<@&{role.id}>"
        assert posted(desk)["allowed_mentions"] == {"parse": [], "roles": [role.id]}


async def test_a_reminder_mentions_who_has_taken_the_request_instead_of_the_role(desk: Desk) -> None:
    await ready(desk, remind="1")
    await desk.press("Take")

    await desk.later()

    (reminder,) = reminders(desk)
    assert reminder.content == f"<@{desk.moderator.id}>"
    assert posted(desk)["allowed_mentions"] == {"parse": [], "users": [desk.moderator.id]}


async def test_each_wait_is_reminded_of_once_and_an_answer_ends_it(desk: Desk) -> None:
    await ready(desk, remind="2")
    await desk.answers(words="Try again.")
    await desk.later(days=3)
    assert reminders(desk) == []

    await writes(desk, "Still broken.")
    await desk.later()
    await writes(desk, "Hello?")  # no new wait: they have been waiting since their first words
    await desk.later()
    await writes(desk, "Hello?!")
    await desk.later(days=3)
    assert len(reminders(desk)) == 1
    await desk.answers(words="Now it works.")
    await writes(desk, "It does not.")
    await desk.later(days=3)

    assert len(reminders(desk)) == 2


@pytest.mark.parametrize("end", ["Resolve", "delete"])
async def test_a_request_that_is_resolved_or_deleted_is_never_reminded_of(desk: Desk, end: str) -> None:
    await ready(desk, remind="1", close="1")
    if end == "Resolve":
        await desk.resolves()
    else:
        await desk.bot.privacy.delete(desk.customer.id)

    await desk.later(days=3)
    await desk.later(days=3)

    assert reminders(desk) == []
    assert direct(desk) == ["Help request #1 is closed"] * (end == "Resolve")


async def test_a_reopened_request_waits_for_the_moderators_again(desk: Desk) -> None:
    await ready(desk, remind="1")
    await desk.resolves()
    await desk.press("Reopen")

    await desk.later()

    assert len(reminders(desk)) == 1


async def test_a_reminder_that_discord_does_not_take_is_posted_later_and_not_twice(desk: Desk) -> None:
    await ready(desk, remind="1")
    desk.env.inject_error("POST", f"/channels/{desk.support.id}/messages", status=503, times=None)
    await desk.later()
    assert reminders(desk) == []
    desk.env.backend.faults.clear()

    await desk.restart()
    await desk.later()
    await desk.later()

    assert len(reminders(desk)) == 1


async def test_an_answer_takes_back_a_reminder_that_discord_has_not_taken(desk: Desk) -> None:
    await ready(desk, remind="1")
    desk.env.inject_error("POST", f"/channels/{desk.support.id}/messages", status=503, times=None)
    await desk.later()
    desk.env.backend.faults.clear()

    await desk.answers(words="Try again.")
    await desk.later()

    assert reminders(desk) == []


async def test_the_reminder_is_in_the_language_of_the_server(desk: Desk) -> None:
    await ready(desk, remind="1")
    await desk.bot.storage.guilds.change_options(desk.guild.id, desk.owner.id, german)

    await desk.later()

    (reminder,) = reminders(desk)
    assert str(reminder.embeds[0].description).startswith(f"⏰ <@{desk.customer.id}> wartet seit <t:")
    assert reminder.embeds[0].footer.text == "Hilfeanfrage #1"


# Customers


async def test_a_silent_customer_is_asked_once_and_their_request_is_closed_kindly_and_can_be_reopened(
    desk: Desk,
) -> None:
    await ready(desk, close="3")
    await desk.answers(words="Try again.")
    await desk.later(days=2)
    assert direct(desk) == ["Answer to your help request #1"]

    await desk.later(days=1)
    await desk.later(days=2)

    asked = desk.direct()[-1]
    assert direct(desk)[1:] == ["Did this help? Your help request #1"]
    assert asked.embeds[0].description == (
        "The moderators have answered you, and have heard nothing since. If I hear nothing within 3 days, I close this "
        "request; you can reopen it."
    )
    assert asked.embeds[0].footer.text == "The Book Shop"
    assert labels(asked) == ["I still need help", "Open my order", "It is solved"]
    said = (
        f"⏳ I have asked <@{desk.customer.id}> whether the answer helped, and close the request if they stay silent."
    )
    assert desk.notes()[-1] == f"{said}\nSent by direct message."
    assert "**Taken**" in str(desk.card().embeds[0].description)

    await desk.later(days=1)
    await desk.later(days=9)

    closed = desk.direct()[-1]
    assert direct(desk)[2:] == ["Help request #1 is closed"]
    assert closed.embeds[0].description == (
        "There was no reply.\n\nI hope that all is well. If something is left, press **Reopen**, and write what it is."
    )
    assert labels(closed) == ["Reopen", "Open my order"]
    me = desk.bot.user
    assert me is not None
    assert str(desk.card().embeds[0].description).startswith("🟢 **Resolved:** There was no reply.")
    assert desk.notes()[-1].startswith(f"🟢 <@{me.id}> has closed it: There was no reply.")
    assert desk.log_channel.history()[-1].embeds[0].description == f"<@{me.id}> resolved request #1."

    shown = await desk.at_home.click(closed, label="Reopen")
    sent = await desk.at_home.submit_modal(shown, {"words": "I was on holiday. It is still broken."})

    assert sent.followups[-1].content == "The moderators have it: help request #1. It is open again."
    assert labels(desk.card()) == ["Hand over", "Check again", "Answer", "Resolve", "Details"]
    assert desk.notes()[-1].endswith("> I was on holiday. It is still broken.")


async def test_that_there_was_no_reply_is_not_told_any_more_once_the_request_is_open_again(desk: Desk) -> None:
    await ready(desk, close="1")
    await desk.answers(words="Try again.")
    await desk.later(days=1)
    channel = desk.env.backend.get_dm_channel(desk.customer.id)
    desk.env.inject_error("POST", f"/channels/{channel.id}/messages", status=503, times=None)
    await desk.later(days=1)
    assert "There was no reply." in str(desk.card().embeds[0].description)
    await desk.press("Reopen")
    desk.env.backend.faults.clear()

    await desk.later()

    assert direct(desk) == ["Answer to your help request #1", "Did this help? Your help request #1"]


async def test_a_moderators_last_word_that_nobody_has_read_is_not_lost_when_there_was_a_reply_after_all(
    desk: Desk,
) -> None:
    await ready(desk, close="1")
    channel = desk.env.backend.get_dm_channel(desk.customer.id)
    desk.env.inject_error("POST", f"/channels/{channel.id}/messages", status=503, times=None)
    await desk.resolves(words="Your count was raised.")
    await desk.press("Reopen")
    await desk.resolves("no_reply", "It is raised once more.\n\nBye.")
    await desk.press("Reopen")
    desk.env.backend.faults.clear()

    await desk.later()

    texts = [message.embeds[0].description for message in desk.direct()]
    assert texts == ["It works now.\n\nYour count was raised.", "It is raised once more.\n\nBye."]
    assert f"✉️ <@{desk.moderator.id}> had closed it, before it was opened again:\n{texts[1]}" in desk.notes()[-1]


async def test_a_german_customer_is_asked_and_told_in_german(desk: Desk) -> None:
    desk.speaks(desk.customer, "de")
    await desk.set_up()
    await limits(desk, close="1")
    lookup = await desk.mydownloads(orders.USED_UP)
    shown = await desk.customer.click(reply(lookup), label="Hilfe holen")
    await desk.customer.submit_modal(shown, {"topic": "nothing_left", "words": "Kaputt."})
    await desk.answers(words="Versuch es noch einmal.")

    await desk.later(days=1)
    await desk.later(days=1)

    _, asked, closed = desk.direct()
    assert asked.embeds[0].title == "Hat das geholfen? Deine Hilfeanfrage #1"
    assert asked.embeds[0].description == (
        "Die Moderatoren haben dir geantwortet und seitdem nichts gehört. Höre ich innerhalb von 1 Tag nichts, "
        "schließe ich diese Hilfeanfrage; du kannst sie wieder öffnen."
    )
    assert labels(asked) == ["Ich brauche noch Hilfe", "Meine Bestellung öffnen", "Problem gelöst"]
    assert closed.embeds[0].description == (
        "Es kam keine Antwort.\n\nIch hoffe, es ist alles in Ordnung. Ist noch etwas offen, drücke **Wieder öffnen** "
        "und schreib, was es ist."
    )
    assert labels(closed) == ["Wieder öffnen", "Meine Bestellung öffnen"]


async def test_it_is_solved_below_the_question_closes_the_request(desk: Desk) -> None:
    await ready(desk, close="1")
    await desk.answers(words="Try again.")
    await desk.later(days=1)

    solved = await desk.at_home.click(desk.direct()[-1], label="It is solved")
    await desk.later(days=9)

    assert solved.followups[-1].content.startswith("Good to hear! Help request #1 is closed.")
    assert labels(desk.direct()[-1]) == ["Reopen", "Open my order"]
    assert "The customer says that it is solved" in str(desk.card().embeds[0].description)
    assert len(desk.direct()) == 2


async def test_writing_back_after_the_question_keeps_the_request_open(desk: Desk) -> None:
    await ready(desk, close="1")
    await desk.answers(words="Try again.")
    await desk.later(days=1)

    await writes(desk, "Not yet.", label="I still need help")
    await desk.later(days=9)

    assert len(desk.direct()) == 2
    assert "**Taken**" in str(desk.card().embeds[0].description)


@pytest.mark.parametrize("added", ["number", "screenshot"])
async def test_adding_what_the_moderators_asked_for_keeps_the_request_open_even_without_words(
    desk: Desk, monkeypatch: pytest.MonkeyPatch, added: str
) -> None:
    monkeypatch.setattr(screenshots, "CDN", (f"{CDN_BASE}/",))
    page = await desk.set_up(log=True)
    await desk.owner.click(reply(page), custom_id="store_setup:toggle:help_screenshots:on")
    await limits(desk, close="1")
    inputs = {"topic": "other", "words": "Where is it?", "number": "1"}
    await desk.forge("help:file::wrong_reference.order_number", desk.customer, desk.channel, inputs=inputs)
    await desk.answers(words="What is your order number? Please attach a screenshot.")

    form = await desk.customer.click(reply(await desk.mydownloads("#1")), label="Get help")
    more: dict[str, Any] = {"number": "1042"}
    if added == "screenshot":
        more = {"number": "1", "screenshot": ("picture.png", b"\x89PNG\r\n\x1a\n the picture")}
    await desk.customer.submit_modal(form, {"topic": "other", **more})
    await desk.later(days=9)
    await desk.later(days=9)

    assert direct(desk) == ["Answer to your help request #1"]
    assert "**Taken**" in str(desk.card().embeds[0].description)
    assert log_lines(desk)[-1] == f"<@{desk.customer.id}> wrote back in request #1."


async def test_a_press_on_i_still_need_help_alone_begins_the_silence_anew(desk: Desk) -> None:
    await ready(desk, close="2")
    await desk.answers(words="Try again.")
    await desk.later(days=2)
    await desk.later(days=1)

    await desk.at_home.click(desk.direct()[-1], label="I still need help")  # and the modal is dismissed
    await desk.later(days=1)
    assert len(desk.direct()) == 2
    await desk.later(days=1)

    assert direct(desk)[1:] == ["Did this help? Your help request #1"] * 2


async def test_another_answer_begins_the_silence_anew(desk: Desk) -> None:
    await ready(desk, close="2")
    await desk.answers(words="Try again.")
    await desk.later(days=2)
    await desk.answers(words="Or try this.")

    await desk.later(days=1)
    assert direct(desk)[1:] == ["Did this help? Your help request #1", "Answer to your help request #1"]
    await desk.later(days=1)

    assert direct(desk)[3:] == ["Did this help? Your help request #1"]


async def test_a_customer_without_direct_messages_is_asked_by_a_mention_whose_question_nobody_else_can_read(
    desk: Desk,
) -> None:
    await ready(desk, close="1")
    desk.closes_direct_messages()
    await desk.answers(words="Try again.")

    await desk.later(days=1)

    mention = desk.channel.last_message
    assert mention is not None
    assert mention.content == f"<@{desk.customer.id}>, there is a question about your help request #1."
    read = await desk.customer.click(mention, label="Read the question")
    assert reply(read).embeds[0].title == "Did this help? Your help request #1"
    assert labels(reply(read)) == ["I still need help", "Open my order", "It is solved"]
    refused = await desk.member.click(mention, label="Read the question")
    assert reply(refused).content == "**That is for somebody else.**"
    assert desk.notes()[-1].endswith("They take no direct messages, so I mentioned them where they asked.")

    await desk.later(days=1)
    assert "🟢 **Resolved:**" in str(desk.card().embeds[0].description)


async def test_nobody_is_closed_out_who_could_not_be_asked_and_the_thread_says_so(desk: Desk) -> None:
    await ready(desk, close="1")
    await desk.answers(words="Try again.")
    desk.closes_direct_messages()
    desk.env.inject_error("POST", f"/channels/{desk.channel.id}/messages", status=403, code=50013, times=None)

    await desk.later(days=1)
    await desk.later(days=2)
    await desk.later(days=9)

    said = f"⏳ I could not ask <@{desk.customer.id}> whether the answer helped, so I do not close the request."
    assert desk.notes()[-1].startswith(f"{said}\n**It could not be delivered:**")
    assert "**Taken**" in str(desk.card().embeds[0].description)


async def test_a_customer_who_has_left_is_not_closed_out_either(desk: Desk) -> None:
    await ready(desk, close="1")
    await desk.answers(words="Try again.")
    desk.env.inject_error("POST", "/channels/*/messages", status=403, code=50278)

    await desk.later(days=1)
    await desk.later(days=9)

    assert "They have left this server, so nobody has read it." in desk.notes()[-1]
    assert "**Taken**" in str(desk.card().embeds[0].description)


async def test_a_customer_who_never_got_the_answer_is_not_asked_about_it(desk: Desk) -> None:
    await ready(desk, close="1")
    desk.closes_direct_messages()
    desk.env.inject_error("POST", f"/channels/{desk.channel.id}/messages", status=403, code=50013, times=None)
    await desk.answers(words="Try again.")
    await desk.later(days=2)
    desk.env.backend.faults.clear()

    await desk.later(days=9)

    assert "**It could not be delivered:**" in desk.notes()[-1]
    assert desk.direct() == []


async def test_a_question_that_discord_does_not_take_is_asked_later_and_not_twice(desk: Desk) -> None:
    await ready(desk, close="1")
    await desk.answers(words="Try again.")
    channel = desk.env.backend.get_dm_channel(desk.customer.id)
    desk.env.inject_error("POST", f"/channels/{channel.id}/messages", status=503, times=None)
    await desk.later(days=1)
    await desk.later(days=2)
    assert len(desk.direct()) == 1
    desk.env.backend.faults.clear()

    await desk.restart()
    await desk.later()
    await desk.later()

    assert direct(desk)[1:] == ["Did this help? Your help request #1"]


async def test_what_the_customer_writes_takes_back_a_question_that_discord_has_not_taken(desk: Desk) -> None:
    await ready(desk, close="1")
    await desk.answers(words="Try again.")
    channel = desk.env.backend.get_dm_channel(desk.customer.id)
    desk.env.inject_error("POST", f"/channels/{channel.id}/messages", status=503, times=None)
    await desk.later(days=1)

    await writes(desk, "It works, but not the second file.")
    desk.env.backend.faults.clear()
    await desk.later(days=9)

    assert len(desk.direct()) == 1


# Owners


async def test_the_limits_show_what_is_set_and_refuse_what_is_out_of_bounds(desk: Desk) -> None:
    await desk.set_up()
    await limits(desk, remind="336", close="60")
    setup = await desk.owner.slash(desk.channel, "store setup")
    shown = await desk.owner.click(reply(setup), label="Limits")
    assert shown.modal is not None
    assert [str(part) for part in ("336", "60") if part not in str(shown.modal)] == []

    refused = await desk.owner.submit_modal(shown, {"accounts": "1", "remind": "337"})

    options = desk.bot.storage.guilds.get(desk.guild.id).options
    assert (options.remind_after_hours, options.close_after_days) == (336, 60)
    told = str([reply(refused).content, *(each.content for each in refused.followups)])
    assert "**Hours until moderators are reminded** must be a whole number from 1 to 336" in told
    await limits(desk)
    options = desk.bot.storage.guilds.get(desk.guild.id).options
    assert (options.remind_after_hours, options.close_after_days) == (None, None)


async def test_the_limits_are_asked_for_in_german_too(desk: Desk) -> None:
    desk.speaks(desk.owner, "de")
    setup = await desk.owner.slash(desk.channel, "store setup")

    shown = await desk.owner.click(reply(setup), custom_id="store_setup:limits")

    assert "Stunden bis zur Erinnerung der Moderatoren" in str(shown.modal)
    assert "1-60. Nach noch einmal so vielen Tagen wird die Anfrage geschlossen. Leer: nie." in str(shown.modal)
    for row in (shown.modal or {})["components"]:
        assert len(row["label"]) <= 45
        assert len(row["description"]) <= 100
