"""A ticket from the first press to the last, as the customer and the moderators see it."""

from collections.abc import Awaitable, Callable

import discord
import pytest
import sqlalchemy as sa
from desk import Desk, buttons, embed, labels, prefilled, reply
from simcord.results import InteractionResult

from fileflare_bot.demo import orders
from fileflare_bot.storage.models import MessageRow
from fileflare_bot.storage.records import Resolution

Step = Callable[[Desk], Awaitable[None]]


pytestmark = pytest.mark.limits(fresh_seconds=0, refresh_seconds=0)


async def ask(desk: Desk) -> None:
    asked = await desk.ask_for_help()

    assert reply(asked).ephemeral
    assert reply(asked).content.startswith("Your help request is #1.")
    shown = str(desk.card().embeds[0].description)
    assert not desk.card().embeds[0].fields
    assert "**Open.** Nobody has taken it yet." in shown
    assert f"**Customer:** <@{desk.customer.id}> (casey) · **Order #1051**" in shown
    assert "**Says:** A file has no downloads left\n> It says there is nothing left." in shown
    assert "🔴 wallpapers.zip: no downloads left (3 of 3 used)" in shown
    assert "Fileflare > Orders > the order > Override global limitations > a higher count > Save." in shown
    assert labels(desk.card()) == ["Take", "Check again", "Answer", "Resolve", "Details"]
    assert desk.thread().name == "#1 · Order #1051 · A file has no downloads left"


async def take(desk: Desk) -> None:
    taken = await desk.press("Take")

    assert reply(taken).ephemeral
    assert reply(taken).content == "Help request #1 is yours now."
    assert f"**Taken** by <@{desk.moderator.id}>" in str(desk.card().embeds[0].description)
    assert labels(desk.card()) == ["Hand over", "Check again", "Answer", "Resolve", "Details"]


async def check_again(desk: Desk) -> None:
    desk.sample.answers[orders.USED_UP]["order"]["lines"][0]["assets"][0]["limits"]["limit"] = 10

    checked = await desk.press("Check again")

    assert "✅ No longer: wallpapers.zip: no downloads left" in reply(checked).content
    assert "wallpapers.zip" not in str(desk.card().embeds[0].description)
    assert desk.notes()[-1].startswith(f"🔎 <@{desk.moderator.id}> has checked the order again.\n✅ No longer:")


async def give_answer(desk: Desk) -> None:
    answered = await desk.answers(ready="raised", words="Have fun!")

    assert reply(answered).content == "Help request #1: Sent by direct message."
    (message,) = desk.direct()
    assert message.embeds[0].title == "Answer to your help request #1"
    assert "the count for your file was raised" in str(message.embeds[0].description)
    assert str(message.embeds[0].description).endswith("\n\nHave fun!")
    assert message.embeds[0].footer.text == "The Book Shop"
    assert labels(message) == ["Write back", "Open my order", "It is solved"]
    assert "first answer" in str(desk.card().embeds[0].description)


async def write_back(desk: Desk) -> None:
    shown = await desk.at_home.click(desk.direct()[0], label="Write back")
    sent = await desk.at_home.submit_modal(shown, {"words": "Thank you, it works."})

    assert reply(sent).content == "The moderators have it: help request #1."
    assert desk.notes()[-1] == f"<@{desk.customer.id}> writes:\n> Thank you, it works."


async def resolve(desk: Desk) -> None:
    closed = await desk.resolves(Resolution.FIXED, "Goodbye!")

    assert reply(closed).content == "Help request #1 is closed. Sent by direct message."
    assert "**Resolved:** It works now." in str(desk.card().embeds[0].description)
    assert labels(desk.card()) == ["Reopen", "Details"]
    assert desk.direct()[-1].embeds[0].title == "Help request #1 is closed"
    assert desk.direct()[-1].embeds[0].description == "It works now.\n\nGoodbye!"


async def reopen(desk: Desk) -> None:
    reopened = await desk.press("Reopen")

    assert reply(reopened).content == "Help request #1 is open again."
    assert labels(desk.card()) == ["Hand over", "Check again", "Answer", "Resolve", "Details"]
    deeds = [str(line.embeds[0].description).split("> ", 1)[1] for line in desk.log_channel.history()]
    assert deeds[-7:] == [
        "asked for help: request #1.",
        "took request #1.",
        "checked the order of request #1 again.",
        "answered request #1.",
        "wrote back in request #1.",
        "resolved request #1.",
        "reopened request #1.",
    ]


STORY: tuple[Step, ...] = (ask, take, check_again, give_answer, write_back, resolve, reopen)


async def test_a_download_issue_is_resolved_without_leaving_discord(desk: Desk) -> None:
    await desk.set_up(log=True)

    for step in STORY:
        await step(desk)


@pytest.mark.parametrize("before", STORY, ids=lambda step: step.__name__)
async def test_it_goes_on_after_a_restart_between_any_two_steps(desk: Desk, before: Step) -> None:
    await desk.set_up(log=True)

    for step in STORY:
        if step is before:
            await desk.restart()
        await step(desk)


async def test_a_modal_that_was_open_during_a_restart_still_works(desk: Desk) -> None:
    await desk.set_up()
    await desk.ask_for_help()
    choice = await desk.press("Answer")
    shown = await desk.moderator.click(reply(choice), label="Your own words")

    await desk.restart()
    answered = await desk.moderator.submit_modal(shown, {"words": "Still here."})

    assert reply(answered).content == "Help request #1: Sent by direct message."


async def test_a_customer_who_has_left_is_not_mentioned_in_public(desk: Desk) -> None:
    await desk.set_up()
    await desk.ask_for_help()
    desk.env.inject_error("POST", "/channels/*/messages", status=403, code=50278)

    answered = await desk.answers(words="Are you there?")

    assert reply(answered).content.startswith("Help request #1: They have left this server, so nobody has read it.")
    assert all("there is an answer" not in message.content for message in desk.channel.history())


async def test_a_card_that_the_bot_may_not_see_for_a_while_is_updated_later(desk: Desk) -> None:
    await desk.set_up()
    await desk.ask_for_help()
    desk.env.inject_error("PATCH", "/channels/*/messages/*", status=403, code=50001)

    await desk.press("Take")
    assert "**Open.**" in str(desk.card().embeds[0].description)
    await desk.answers(words="I am on it.")

    assert f"**Taken** by <@{desk.moderator.id}>" in str(desk.card().embeds[0].description)


async def test_with_closed_direct_messages_a_mention_leads_to_the_answer_which_nobody_else_can_read(desk: Desk) -> None:
    await desk.set_up()
    await desk.ask_for_help()
    desk.closes_direct_messages()

    answered = await desk.answers(words="The secret of the wallpaper.")

    assert reply(answered).content.startswith("Help request #1: They take no direct messages, so I mentioned them")
    mention = desk.channel.last_message
    assert mention is not None
    assert mention.content == f"<@{desk.customer.id}>, there is an answer to your help request #1."
    assert not mention.embeds
    assert labels(mention) == ["Read the answer"]
    post = [call for call in desk.env.http_requests if call.path == f"/channels/{desk.channel.id}/messages"][-1]
    assert (post.json or {})["allowed_mentions"] == {"parse": [], "users": [desk.customer.id]}

    read = await desk.customer.click(mention, label="Read the answer")
    assert reply(read).ephemeral
    assert reply(read).embeds[0].description == "The secret of the wallpaper."
    assert labels(reply(read)) == ["Write back", "Open my order", "It is solved"]
    for outsider in (desk.member, desk.moderator, desk.owner):
        refused = await outsider.click(mention, label="Read the answer")
        assert reply(refused).ephemeral
        assert reply(refused).content == "**That is for somebody else.**"
        assert not reply(refused).embeds
    assert "secret" not in str([message.content for message in desk.channel.history()])


async def test_an_undeliverable_answer_is_reported_to_the_moderator_and_kept(desk: Desk) -> None:
    await desk.set_up()
    await desk.ask_for_help()
    desk.closes_direct_messages()
    desk.env.inject_error("POST", f"/channels/{desk.channel.id}/messages", status=403, code=50013)

    answered = await desk.answers(words="Hello?")

    assert reply(answered).content.startswith(
        "Help request #1: **It is saved, but they may not have it yet:** they take no direct messages, and Discord has "
        "not confirmed"
    )
    await desk.later()
    assert "Hello?" in desk.notes()[-1]
    assert "They take no direct messages, so I mentioned them where they asked." in desk.notes()[-1]


async def test_an_answer_that_discord_refuses_for_a_day_is_given_up_and_the_thread_says_so(desk: Desk) -> None:
    await desk.set_up()
    await desk.ask_for_help()
    desk.closes_direct_messages()
    desk.env.inject_error("POST", f"/channels/{desk.channel.id}/messages", status=403, code=50013, times=None)
    await desk.answers(words="Hello?")

    await desk.later(days=2)

    assert "**It could not be delivered:** Discord takes neither" in desk.notes()[-1]


async def test_when_two_moderators_take_a_request_at_once_one_gets_it_and_the_other_is_told_who(desk: Desk) -> None:
    await desk.set_up()
    await desk.ask_for_help()

    results = await desk.press_at_once("Take", [desk.moderator, desk.colleague])

    told = sorted(reply(result).content for result in results)
    assert told[1] == "Help request #1 is yours now."
    assert "was faster and has this request" in told[0]
    (winner,) = [
        person
        for person, result in zip((desk.moderator, desk.colleague), results, strict=True)
        if "yours" in reply(result).content
    ]
    assert f"**Taken** by <@{winner.id}>" in str(desk.card().embeds[0].description)


async def test_a_request_is_handed_over_to_a_moderator_only(desk: Desk) -> None:
    await desk.set_up()
    await desk.ask_for_help()
    await desk.press("Take")

    shown = await desk.press("Hand over")
    refused = await desk.moderator.submit_modal(shown, {"moderator": [desk.member]})
    assert reply(refused).content.startswith("**That person is no moderator of this server.**")
    again = await desk.moderator.click(reply(refused), label="Choose again")
    assert again.modal is not None
    hint = again.modal["components"][0]["description"]
    assert hint == "Somebody with a moderator role, Manage Messages or Manage Server"
    handed = await desk.moderator.submit_modal(again, {"moderator": [desk.colleague]})

    assert reply(handed).content == f"Help request #1 is with <@{desk.colleague.id}> now."
    assert f"**Taken** by <@{desk.colleague.id}>" in str(desk.card().embeds[0].description)


async def test_the_customer_says_that_it_is_solved_and_can_still_write_back(desk: Desk) -> None:
    await desk.set_up()
    await desk.ask_for_help()
    await desk.answers(words="Try again, please.")

    solved = await desk.at_home.click(desk.direct()[0], label="It is solved")
    (said,) = solved.followups
    assert said.content.startswith("Good to hear! Help request #1 is closed.")
    assert "press **Reopen**" in said.content
    (answer,) = desk.direct()
    assert labels(answer) == ["Reopen", "Open my order"]
    assert answer.embeds[0].description == "Try again, please."
    assert [field.name for field in answer.embeds[0].fields] == ["What you asked"]
    assert "The customer says that it is solved" in str(desk.card().embeds[0].description)
    shown = await desk.at_home.click(desk.direct()[0], label="Reopen")
    assert shown.modal is not None
    assert shown.modal["title"] == "Reopen help request #1"
    reopened = await desk.at_home.submit_modal(shown, {"words": "It stopped again."})
    (told,) = reopened.followups
    assert told.content == "The moderators have it: help request #1. It is open again."

    (answer,) = desk.direct()
    assert labels(answer) == ["Write back", "Open my order", "It is solved"]
    assert answer.embeds[0].description == "Try again, please."
    assert [field.name for field in answer.embeds[0].fields] == ["What you asked", "Do you want to reply?"]
    shown = await desk.at_home.click(answer, label="Write back")
    assert shown.modal is not None
    assert shown.modal["title"] == "Write back"
    more = await desk.at_home.submit_modal(shown, {"words": "It stopped again."})
    assert reply(more).content == "The moderators have it: help request #1."
    assert labels(desk.card()) == ["Hand over", "Check again", "Answer", "Resolve", "Details"]
    assert desk.notes()[-1].endswith("> It stopped again.")


async def test_writing_below_an_answer_brings_its_buttons_back_also_after_a_moderator_has_reopened_the_request(
    desk: Desk,
) -> None:
    await desk.set_up()
    await desk.ask_for_help()
    await desk.answers(words="Try again, please.")
    await desk.at_home.click(desk.direct()[0], label="It is solved")
    await desk.press("Reopen")
    assert labels(desk.direct()[0]) == ["Reopen", "Open my order"]

    form = await desk.at_home.click(desk.direct()[0], label="Reopen")
    wrote = await desk.at_home.submit_modal(form, {"words": f"It […] says: {orders.DOCUMENTED}"})

    (told,) = wrote.followups
    assert told.content.startswith("The moderators have it: help request #1.\nI left out links and order IDs")
    assert labels(desk.direct()[0]) == ["Write back", "Open my order", "It is solved"]


async def test_an_outage_during_check_again_changes_nothing_and_is_called_an_outage(desk: Desk) -> None:
    await desk.set_up()
    await desk.ask_for_help()
    before = desk.card().embeds[0].description
    await desk.sample.stop()

    checked = await desk.press("Check again")

    assert "That is an outage, and says nothing about the order." in reply(checked).content
    assert desk.card().embeds[0].description == before


async def test_an_order_that_is_gone_shows_on_check_again(desk: Desk) -> None:
    await desk.set_up()
    await desk.ask_for_help()
    del desk.sample.answers[orders.USED_UP]

    await desk.press("Check again")

    assert "Fileflare knows no order with the ID that the customer gave." in str(desk.card().embeds[0].description)


async def test_the_configured_role_alone_is_pinged(desk: Desk) -> None:
    role = desk.guild.create_role("Helpers", mentionable=True)
    await desk.set_up()
    page = await desk.owner.slash(desk.channel, "store setup")
    await desk.owner.select(reply(page), [role], custom_id="store_setup:set:ping_role_id")

    await desk.ask_for_help(words="@everyone <@&1> <@2> help!")

    card = desk.card()
    assert card.content == f"<@&{role.id}>"
    assert card.role_mentions == [desk.bot.get_guild(desk.guild.id).get_role(role.id)]  # type: ignore[union-attr] # it is there
    post = [call for call in desk.env.http_requests if call.path == f"/channels/{desk.support.id}/messages"][-1]
    assert (post.json or {})["allowed_mentions"] == {"parse": [], "roles": [role.id]}
    assert "@everyone" not in str(card.embeds[0].description)


async def test_the_answer_is_in_the_customers_language_and_the_card_in_the_servers(desk: Desk) -> None:
    await desk.set_up()
    desk.speaks(desk.customer, "de")

    await desk.customer.submit_modal(
        await desk.customer.click(reply(await desk.mydownloads(orders.USED_UP)), label="Hilfe holen"),
        {"topic": "other", "words": "Hilfe!"},
    )
    await desk.answers(ready="no_email")

    assert desk.card().embeds[0].title == "Help request #1"
    assert isinstance(desk.direct()[0], discord.Message)
    assert "Hallo" in str(desk.direct()[0].embeds[0].description)


async def test_an_answer_says_what_it_answers_and_how_to_reply_and_opens_the_order(desk: Desk) -> None:
    await desk.set_up()
    await desk.ask_for_help(orders.DOCUMENTED, words="*Which* of the files is the book? " + "Please tell me. " * 30)
    await desk.answers(words="The first one.")

    (message,) = desk.direct()
    asked, how = message.embeds[0].fields
    assert asked.name == "What you asked"
    first, topic, words = str(asked.value).splitlines()
    assert (first, topic) == ("Order #1050 · My new Book", "A file has no downloads left")
    assert words.startswith("> \\*Which\\* of the files is the book? Please tell me.")
    assert words.endswith("…")
    assert how.value == "Press **Write back**. What you type into this chat reaches nobody."

    opened = await desk.at_home.click(message, label="Open my order")

    assert opened.ephemeral
    assert "Order #1050" in reply(opened).content
    assert "Remember this order" in labels(reply(opened))


@pytest.mark.parametrize("closed", [True, False])
async def test_the_form_for_writing_back_shows_which_answer_it_is_for(desk: Desk, *, closed: bool) -> None:
    if closed:
        desk.closes_direct_messages()
    await desk.set_up()
    await desk.ask_for_help()
    await desk.answers(words="*Which* file? " + "Tell me, please. " * 80)
    await desk.answers(words="Never mind.")

    if closed:
        mention = next(each for each in desk.channel.history() if "Read the answer" in labels(each))
        read = await desk.customer.click(mention, label="Read the answer")
        form = await desk.customer.click(reply(read), label="Write back")
    else:
        form = await desk.at_home.click(desk.direct()[0], label="Write back")

    head, answer = said_above(form).splitlines()
    assert head == "**Answer to your help request #1**"
    assert answer.startswith("> \\*Which\\* file? Tell me, please.")
    assert answer.endswith("…")


async def test_a_list_that_an_answer_opened_goes_on_with_its_request(desk: Desk) -> None:
    await desk.set_up()
    await desk.ask_for_help(orders.USED_UP)
    await desk.answers(words="Look again.")

    opened = await desk.at_home.click(desk.direct()[0], label="Open my order")

    assert "Get help" not in labels(reply(opened))
    assert "**Press Write back** for more" in str(reply(opened).embeds[0].description)
    form = await desk.at_home.click(reply(opened), label="Write back")
    assert said_above(form) == ""
    written = await desk.at_home.submit_modal(form, {"words": "Still nothing left."})
    assert reply(written).content == "The moderators have it: help request #1."


@pytest.mark.parametrize("closed", [True, False])
async def test_an_answer_repeats_the_customers_latest_words_before_it(desk: Desk, *, closed: bool) -> None:
    def asked() -> str:
        return str(desk.direct()[-1].embeds[0].fields[0].value).splitlines()[-1]

    if closed:
        desk.closes_direct_messages()
    await desk.set_up()
    await desk.ask_for_help(words="The first words.")
    await desk.answers(words="Try again.")
    if closed:
        mention = next(each for each in desk.channel.history() if "Read the answer" in labels(each))
        await desk.ask_for_help(words="The later words.")
        read = await desk.customer.click(mention, label="Read the answer")
        assert str(reply(read).embeds[0].fields[0].value).splitlines()[-1] == "> The first words."
        return
    assert asked() == "> The first words."
    shown = await desk.at_home.click(desk.direct()[0], label="Write back")
    await desk.at_home.submit_modal(shown, {"words": "The later words."})

    await desk.resolves(Resolution.FIXED, "Goodbye!")

    assert asked() == "> The later words."


async def test_the_order_of_an_answer_is_opened_for_its_customer_alone(desk: Desk) -> None:
    await desk.set_up()
    await desk.ask_for_help()
    refused = await desk.forge("downloads:ticket:1", desk.member, desk.channel)
    assert reply(refused).content == "**That is for somebody else.**"

    unknown = await desk.customer.click(reply(await desk.mydownloads(orders.UNKNOWN)), label="Get help")
    await desk.customer.submit_modal(unknown, {"topic": "order_not_found", "number": "1042"})
    await desk.answers(words="Look again.", number=2)
    assert labels(desk.direct()[-1]) == ["Write back", "It is solved"]
    refused = await desk.forge("downloads:ticket:2", desk.customer, desk.channel)
    assert "I do not remember that order any more." in reply(refused).content
    assert labels(reply(refused)) == ["Get my downloads"]


async def test_buttons_under_an_answer_say_before_a_form_that_its_request_is_gone(desk: Desk) -> None:
    await desk.set_up()
    await desk.ask_for_help()
    await desk.answers(words="Look again.")
    (message,) = desk.direct()
    await desk.bot.privacy.delete(desk.customer.id)

    for label in ("Write back", "Open my order"):
        refused = await desk.at_home.click(message, label=label)

        assert refused.modal is None
        assert reply(refused).content.startswith(
            "**That help request is gone: it was deleted, or closed too long ago.**"
        )


async def test_an_answer_to_a_request_that_a_colleague_has_closed_meanwhile_is_not_sent_until_it_is_reopened(
    desk: Desk,
) -> None:
    await desk.set_up()
    await desk.ask_for_help()
    choice = await desk.press("Answer", person=desk.colleague)
    form = await desk.colleague.click(reply(choice), label="Your own words")
    await desk.resolves()
    told = len(desk.direct())

    refused = await desk.colleague.submit_modal(form, {"words": "Try again, please."})

    closed = f"**The help request is closed already:** <@{desk.moderator.id}> closed it <t:"
    assert reply(refused).content.startswith(closed)
    assert "\n> Try again, please." in reply(refused).content
    assert labels(reply(refused)) == ["Reopen", "Change it"]
    assert len(desk.direct()) == told
    for early in (
        await desk.colleague.click(reply(refused), label="Change it"),
        await desk.colleague.click(reply(choice), label="Your own words"),
    ):
        assert early.modal is None
        assert reply(early).content.startswith(closed)
    reopened = await desk.colleague.click(reply(refused), label="Reopen")
    assert reply(reopened).content == "Help request #1 is open again."
    again = await desk.colleague.click(reply(refused), label="Change it")
    assert prefilled(again) == "Try again, please."
    sent = await desk.colleague.submit_modal(again, {"words": prefilled(again)})
    assert reply(sent).content == "Help request #1: Sent by direct message."
    assert desk.direct()[-1].embeds[0].description == "Try again, please."


@pytest.mark.parametrize("label", ["Resolve", "Hand over", "Answer"])
async def test_a_button_of_a_card_that_is_closed_already_opens_no_form_and_says_who_closed_it(
    desk: Desk, label: str
) -> None:
    await desk.set_up()
    await desk.ask_for_help()
    await desk.press("Take")
    (pressed,) = [found["custom_id"] for found in buttons(desk.card()) if found.get("label") == label]
    await desk.resolves()

    refused = await desk.forge(pressed, desk.colleague, desk.support)

    assert refused.modal is None
    assert f"<@{desk.moderator.id}> closed it" in reply(refused).content
    assert labels(reply(refused)) == ["Reopen"]


async def test_a_customer_does_not_read_which_moderator_closed_their_request(desk: Desk) -> None:
    await desk.set_up()
    await desk.ask_for_help()
    await desk.answers(words="Try again, please.")
    await desk.resolves()

    refused = await desk.at_home.click(desk.direct()[0], label="It is solved")

    assert reply(refused).content == (
        "**The help request is closed already.** There is nothing left for you to do. If you write back, it is open "
        "again."
    )


async def test_the_choice_of_an_answer_says_which_colleague_has_the_request(desk: Desk) -> None:
    await desk.set_up()
    await desk.ask_for_help()
    await desk.press("Take")

    theirs = await desk.press("Answer")
    colleagues = await desk.press("Answer", person=desk.colleague)

    assert "has this request" not in reply(theirs).content
    assert reply(colleagues).content.startswith(f"<@{desk.moderator.id}> has this request.\nChoose an answer.")


async def test_the_reason_that_is_chosen_is_told_also_if_the_topic_changes_meanwhile(desk: Desk) -> None:
    await desk.set_up()
    await desk.ask_for_help()
    form = await desk.press("Resolve")
    assert form.modal is not None
    first = form.modal["components"][0]["component"]["options"][0]
    assert (first["label"], first["value"]) == ("It works now", Resolution.FIXED)

    await desk.ask_for_help(words="", topic="no_role")
    await desk.moderator.submit_modal(form, {"reason": [Resolution.FIXED]})

    assert desk.direct()[-1].embeds[0].description == "It works now."
    assert "**Resolved:** It works now." in str(desk.card().embeds[0].description)
    assert "It works now." in desk.notes()[-1]


async def test_the_form_that_resolves_says_which_colleague_has_the_request_and_what_nobody_has_answered(
    desk: Desk,
) -> None:
    await desk.set_up()
    await desk.ask_for_help()
    form = await desk.press("Resolve")
    assert not said_above(form)
    await desk.answers(words="Look again.")
    await writes_back(desk, "Still\n*nothing*.")

    unanswered = "✍️ Nobody has answered what the customer wrote last:\n> Still \\*nothing\\*."
    assert said_above(await desk.press("Resolve")) == unanswered
    form = await desk.press("Resolve", person=desk.colleague)
    assert said_above(form) == f"<@{desk.moderator.id}> has this request.\n{unanswered}"
    words = f"Bye {orders.USED_UP}."
    refused = await desk.colleague.submit_modal(form, {"reason": ["answered"], "words": words})
    again = await desk.colleague.click(reply(refused), label="Change it")
    assert said_above(again) == said_above(form)


async def test_the_form_that_resolves_a_reopened_request_does_not_say_that_nobody_has_answered(desk: Desk) -> None:
    await desk.set_up()
    await desk.ask_for_help()
    await desk.answers(words="Look again.")
    await writes_back(desk, "Is it fixed?")
    await desk.resolves(words="Yes.")
    await desk.press("Reopen")
    said = "✍️ What the customer wrote last, before it was closed:\n> Is it fixed?"
    assert said_above(await desk.press("Resolve")) == said

    await desk.ask_for_help(words="", topic="wrong_file")
    assert said_above(await desk.press("Resolve")) == said
    await writes_back(desk, "It is not.")

    unanswered = "✍️ Nobody has answered what the customer wrote last:\n> It is not."
    assert said_above(await desk.press("Resolve")) == unanswered
    card = str(desk.card().embeds[0].description)
    assert f"**Taken** by <@{desk.moderator.id}>. ✍️ **Wrote back** <t:" in card
    assert "reopened" not in str(embed(await desk.moderator.slash(desk.channel, "requests open")).description)


async def test_the_form_that_resolves_quotes_no_words_that_nobody_can_read(desk: Desk) -> None:
    await desk.set_up()
    await desk.ask_for_help()
    await desk.answers(words="Look again.")
    await writes_back(desk, "No.")
    async with desk.bot.storage._database.writing() as session:  # noqa: SLF001 - no operation loses a key
        await session.execute(sa.update(MessageRow).values(text="lost"))

    assert said_above(await desk.press("Resolve")) == ""


async def writes_back(desk: Desk, words: str) -> None:
    """Write back as the customer, below the latest answer."""
    shown = await desk.at_home.click(desk.direct()[-1], label="Write back")
    await desk.at_home.submit_modal(shown, {"words": words})


def said_above(form: InteractionResult) -> str:
    """Return the text above a form's inputs, which is empty if there is none."""
    assert form.modal is not None
    return "\n".join(item["content"] for item in form.modal["components"] if "content" in item)


async def test_a_closing_answer_that_arrives_after_a_reopening_says_that_it_was_closed_before(desk: Desk) -> None:
    await desk.set_up()
    await desk.ask_for_help()
    path = f"/channels/{desk.env.backend.get_dm_channel(desk.customer.id).id}/messages"
    desk.env.inject_error("POST", path, status=403, code=50013)
    closed = await desk.resolves(Resolution.FIXED, "Goodbye!")
    assert "**It is saved, but Discord has not confirmed it yet.**" in reply(closed).content
    await desk.press("Reopen")
    await desk.later()

    assert desk.direct()[-1].embeds[0].title == "Answer to your help request #1"
    (note,) = [each for each in desk.notes() if "Goodbye!" in each]
    assert note.startswith(f"✉️ <@{desk.moderator.id}> had closed it, before it was opened again:\nIt works now.")


async def test_a_closing_answer_that_arrives_after_another_closing_does_not_take_its_reason(desk: Desk) -> None:
    await desk.set_up()
    await desk.ask_for_help()
    await desk.answers(words="Try again.")
    path = f"/channels/{desk.env.backend.get_dm_channel(desk.customer.id).id}/messages"
    desk.env.inject_error("POST", path, status=403, code=50013)
    await desk.resolves(Resolution.FIXED, "Goodbye!")
    await desk.press("Reopen")
    await desk.at_home.click(desk.direct()[-1], label="It is solved")
    await desk.later()

    (note,) = [each for each in desk.notes() if "Goodbye!" in each]
    assert note.startswith(f"✉️ <@{desk.moderator.id}> had closed it, before it was opened again:\nIt works now.")


@pytest.mark.parametrize("given", ["link", "another", "id"])
async def test_words_with_an_order_link_come_back_without_it_and_are_changed_in_the_form(
    desk: Desk, given: str
) -> None:
    secret = orders.DOCUMENTED if given == "another" else orders.USED_UP
    pasted = secret if given == "id" else f"https://my-store.com/account/orders/{secret}"
    await desk.set_up()
    await desk.ask_for_help()

    refused = await desk.answers(words=f"Open {pasted} once more.")
    closing = await desk.resolves(words=f"Bye {pasted} now.")

    for result, words in ((refused, "Open [link removed] once more."), (closing, "Bye [link removed] now.")):
        assert secret not in reply(result).content
        assert words in reply(result).content
        again = await desk.moderator.click(reply(result), label="Change it")
        assert again.modal is not None
        assert words in [item["component"].get("value") for item in again.modal["components"]]
    early = await desk.moderator.submit_modal(again, {"reason": ["answered"], "words": words})
    assert reply(early).content.startswith("**Not sent: it still says [link removed],** where I had removed an order")
    assert "\nBye [link removed] now.\n" in reply(early).content
    assert not desk.direct()
    again = await desk.moderator.click(reply(early), label="Change it")
    sent = await desk.moderator.submit_modal(again, {"reason": ["answered"], "words": "Bye now."})
    assert "Help request #1 is closed." in reply(sent).content


async def test_a_gap_that_a_moderator_typed_themselves_stays_in_the_form_to_change(desk: Desk) -> None:
    await desk.set_up()
    await desk.ask_for_help()
    form = await desk.press("Resolve", person=desk.colleague)
    await desk.resolves()
    words = "It says: No file […] found."
    refused = await desk.colleague.submit_modal(form, {"reason": [Resolution.ANSWERED], "words": words})
    await desk.colleague.click(reply(refused), label="Reopen")

    again = await desk.colleague.click(reply(refused), label="Change it")

    assert again.modal is not None
    assert words in [item["component"].get("value") for item in again.modal["components"] if "component" in item]


async def test_after_a_restart_the_form_to_change_is_empty(desk: Desk) -> None:
    await desk.set_up()
    await desk.ask_for_help()
    refused = await desk.answers(words=f"Open {orders.USED_UP}.")
    await desk.restart()

    again = await desk.moderator.click(reply(refused), label="Change it")

    assert prefilled(again) == ""
