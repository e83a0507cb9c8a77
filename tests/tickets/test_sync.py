"""What Discord did not take at once, it is told later: once, and truly."""

import asyncio
from datetime import timedelta
from typing import Any

import pytest
from desk import Desk, labels, reply

from fileflare_bot import posting
from fileflare_bot.storage.errors import StorageUnavailable
from fileflare_bot.storage.storage import Storage

DIRECT = "/users/@me/channels"


async def test_an_answer_that_discord_drops_arrives_later_by_direct_message_and_not_in_public(desk: Desk) -> None:
    await desk.set_up()
    await desk.ask_for_help()
    desk.env.inject_error("POST", DIRECT, status=503)

    answered = await desk.answers(words="Try again.")
    assert reply(answered).content.startswith("Help request #1: **It is saved, but Discord has not confirmed it yet.**")
    assert desk.direct() == []
    await desk.later()
    await desk.later()

    assert [message.embeds[0].description for message in desk.direct()] == ["Try again."]
    assert all("there is an answer" not in message.content for message in desk.channel.history())
    assert sum("Try again." in note for note in desk.notes()) == 1


async def test_with_closed_direct_messages_each_mention_opens_its_own_answer(desk: Desk) -> None:
    await desk.set_up()
    await desk.ask_for_help()
    desk.closes_direct_messages()
    await desk.answers(words="The first.")
    await desk.answers(words="The second.")

    mentions = [message for message in desk.channel.history() if "there is an answer" in message.content]
    read = [await desk.customer.click(mention, label="Read the answer") for mention in mentions]

    assert sorted(str(reply(shown).embeds[0].description) for shown in read) == ["The first.", "The second."]


async def test_the_mention_of_an_earlier_version_opens_the_latest_answer(desk: Desk) -> None:
    await desk.set_up()
    await desk.ask_for_help()
    await desk.answers(words="The first.")
    await desk.answers(words="The second.")

    read = await desk.forge("help:read:1", desk.customer, desk.channel)

    assert reply(read).embeds[0].description == "The second."


async def test_a_card_that_nobody_could_record_shows_later_that_its_request_was_closed_meanwhile(
    desk: Desk, storage: Storage, monkeypatch: pytest.MonkeyPatch
) -> None:
    await desk.set_up()

    async def away(*_arguments: object) -> None:
        raise StorageUnavailable("away")

    monkeypatch.setattr(posting, "NONCE_LASTS", timedelta(0))  # the simulated Discord knows no nonce
    monkeypatch.setattr(posting, "CLOCKS_DIFFER", timedelta(days=3650))  # and its clock is another
    with monkeypatch.context() as patch:
        patch.setattr(storage.intents, "card_shown", away)
        await desk.ask_for_help()
        await desk.press("Take")
        await desk.resolves()
    await desk.later()
    await desk.later()

    assert str(desk.card().embeds[0].description).startswith("🟢")
    assert sum(" has closed it:" in note for note in desk.notes()) == 1
    assert await storage.intents.due_tickets() == []


async def test_without_room_for_a_thread_each_note_stands_beside_its_card_and_names_its_request(desk: Desk) -> None:
    await desk.set_up()
    desk.env.inject_error("POST", "/channels/*/messages/*/threads", status=400, code=160006, times=None)
    await desk.ask_for_help()
    await desk.ask_for_help(person=desk.member)
    for number, person in ((1, desk.customer), (2, desk.member)):
        await desk.answers(words="Try again.", number=number)
        shown = await person.user.click(desk.direct(person)[0], label="Write back")
        await person.user.submit_modal(shown, {"words": "No luck."})

    notes = [message for message in desk.support.history() if message.reference is not None]

    assert [note.embeds[0].footer.text for note in notes[::2]] == ["Help request #1", "Help request #2"]
    assert {note.reference.message_id for note in notes if note.reference} == {desk.card(1).id, desk.card(2).id}
    assert len(notes) == 4


async def test_a_request_that_waits_for_a_channel_is_posted_in_the_one_that_is_chosen(desk: Desk) -> None:
    await desk.set_up()
    desk.env.backend.delete_channel(desk.support.id)
    await desk.env.settle()
    filed = await desk.ask_for_help()
    assert "I could not confirm yet that the moderators see it" in reply(filed).content
    setup = await desk.owner.slash(desk.channel, "store setup")
    desk.support = desk.closed_channel("support-2")
    await desk.owner.select(reply(setup), [desk.support], custom_id="store_setup:set:support_channel_id")

    await desk.bot.reconciler.run()
    await desk.env.settle()

    assert labels(desk.card())[0] == "Take"


@pytest.mark.parametrize(("status", "code"), [(500, 0), (429, 0), (403, 50001)])
async def test_a_log_line_that_discord_did_not_take_comes_later_before_the_next_ones(
    desk: Desk, status: int, code: int
) -> None:
    await desk.set_up(log=True)
    desk.env.inject_error("POST", f"/channels/{desk.log_channel.id}/messages", status=status, code=code, times=5)
    await desk.ask_for_help()
    desk.env.backend.faults.clear()
    await desk.press("Take")
    before = len(desk.log_channel.history())

    await desk.later()

    lines = [str(message.embeds[0].description) for message in desk.log_channel.history()]
    assert len(lines) == before + 2
    assert [("asked for help" in line, "took request" in line) for line in lines[-2:]] == [(True, False), (False, True)]


async def test_two_log_lines_of_one_moment_are_both_posted(desk: Desk, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(posting, "NONCE_LASTS", timedelta(0))  # so that each looks whether it is there already
    await desk.set_up(log=True)
    await desk.ask_for_help()
    await desk.answers(words="Try again.")
    await desk.resolves()
    shown = await desk.customer.user.click(desk.direct()[0], label="Write back")
    await desk.customer.user.submit_modal(shown, {"words": "No luck."})
    await desk.later()

    lines = [str(message.embeds[0].description) for message in desk.log_channel.history()]

    assert [sum(part in line for line in lines) for part in ("reopened request #1", "wrote back")] == [1, 1]


async def test_a_card_that_is_deleted_before_its_thread_starts_is_not_waited_for(desk: Desk) -> None:
    await desk.set_up()
    desk.env.inject_error("POST", "/channels/*/messages/*/threads", status=404, code=10008)
    await desk.ask_for_help()
    await desk.card().delete()

    await desk.later()

    assert await desk.bot.storage.intents.due_tickets() == []
    (ticket,) = (await desk.bot.storage.tickets.page(desk.guild.id, 1)).tickets
    assert ticket.card.message_id is None


async def test_a_request_that_waits_for_discord_holds_up_no_other(desk: Desk, monkeypatch: pytest.MonkeyPatch) -> None:
    await desk.set_up()
    desk.env.inject_error("POST", DIRECT, status=503, times=2)
    for number, person in ((1, desk.customer), (2, desk.member)):
        await desk.ask_for_help(person=person)
        await desk.answers(words="Try again.", number=number)
    goes_on, start = asyncio.Event(), desk.bot.http.start_private_message

    async def held(user_id: int) -> Any:  # noqa: ANN401 - discord.py's payload
        if user_id == desk.customer.id:
            await goes_on.wait()
        return await start(user_id)

    monkeypatch.setattr(desk.bot.http, "start_private_message", held)
    round_of_both = asyncio.create_task(desk.later())
    try:
        async with asyncio.timeout(10):
            while not desk.direct(desk.member):  # noqa: ASYNC110 - the simulated Discord tells nobody
                await asyncio.sleep(0.01)
        assert desk.direct() == []
    finally:
        goes_on.set()
        await round_of_both


async def test_a_round_that_waits_for_discord_ends_before_the_client_closes(
    desk: Desk, monkeypatch: pytest.MonkeyPatch
) -> None:
    await desk.set_up()
    desk.env.inject_error("POST", DIRECT, status=503)
    await desk.ask_for_help()
    await desk.answers(words="Try again.")
    reached: list[int] = []

    async def held(user_id: int) -> Any:  # noqa: ANN401 - discord.py's payload
        reached.append(user_id)
        await asyncio.Event().wait()

    monkeypatch.setattr(desk.bot.http, "start_private_message", held)
    under_way = asyncio.create_task(desk.later())
    async with asyncio.timeout(10):
        while not reached:  # noqa: ASYNC110 - the simulated Discord tells nobody
            await asyncio.sleep(0.01)
        await desk.bot.reconciler.stop()
        await under_way
        await desk.later()

    assert reached == [desk.customer.id]


async def test_a_note_waits_for_a_thread_that_is_still_to_come(desk: Desk) -> None:
    await desk.set_up()
    desk.env.inject_error("POST", "/channels/*/messages/*/threads", status=503, times=2)
    await desk.ask_for_help()
    await desk.answers(words="Try again.")
    assert [message for message in desk.support.history() if message.reference is not None] == []

    await desk.later()
    await desk.later()

    assert sum("Try again." in note for note in desk.notes()) == 1


async def test_a_request_that_is_closed_after_its_card_and_thread_were_deleted_is_done_with(desk: Desk) -> None:
    await desk.set_up()
    await desk.ask_for_help()
    await desk.answers(words="Try again.")
    desk.env.backend.delete_channel(desk.thread().id)
    await desk.card().delete()

    await desk.at_home.click(desk.direct()[0], label="It is solved")

    assert await desk.bot.storage.intents.due_tickets() == []
    await desk.later()
    assert await desk.bot.storage.intents.notes(1) == []


async def test_the_thread_of_a_closed_request_that_takes_no_note_is_tried_after_the_pause_and_not_each_minute(
    desk: Desk,
) -> None:
    await desk.set_up()
    await desk.ask_for_help()
    desk.env.inject_error("POST", f"/channels/{desk.thread().id}/messages", status=403, code=50013, times=None)

    await desk.resolves()

    assert await desk.bot.storage.intents.due_tickets() == []
    desk.env.backend.faults.clear()
    await desk.later()
    assert sum(" has closed it:" in note for note in desk.notes()) == 1
    assert (await desk.bot.storage.tickets.get(1)).archived
