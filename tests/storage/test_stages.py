"""When a ticket is due to be reminded of, asked about or closed, and that each happens once."""

import asyncio
from dataclasses import replace
from datetime import datetime, timedelta
from typing import Any, Final

import pytest
import sqlalchemy as sa
from databases import audit_entries
from storage.samples import CUSTOMER, ELSEWHERE, GUILD, MODERATOR, STRANGER, connected, file, new_ticket, statements

from fileflare_bot.storage.database import utc_now
from fileflare_bot.storage.ended_stages import MOST_AT_ONCE
from fileflare_bot.storage.models import TicketRow
from fileflare_bot.storage.options import Options
from fileflare_bot.storage.records import Action, Delivery, NewNote, Resolution, Stage, Ticket, Topic
from fileflare_bot.storage.storage import Storage

BOT: Final = 2**59
OWNER: Final = 2**58
REMINDER: Final = NewNote("Nobody has answered.", "open", reminder=True)
ASK_AGAIN: Final = NewNote("Ask for it again.", "open")
ARRIVED: Final = NewNote("It has arrived.", "taken")


async def choose(storage: Storage, guild_id: int = GUILD, **values: int | None) -> None:
    """Change a guild's options as its owner."""

    def change(options: Options) -> Options:
        return options.model_copy(update=values)

    await storage.guilds.change_options(guild_id, OWNER, change)


async def passes(url: str, **time: int) -> None:
    """Let time pass for the tickets."""
    passed = timedelta(**time)
    async with connected(url) as connection:
        columns = TicketRow.id, TicketRow.stage_since, TicketRow.stage_ends_at
        for ticket_id, since, ends_at in (await connection.execute(sa.select(*columns))).all():
            moved = {"stage_since": since and since - passed, "stage_ends_at": ends_at and ends_at - passed}
            await connection.execute(sa.update(TicketRow).where(TicketRow.id == ticket_id).values(**moved))


async def arrives(storage: Storage, ticket: Ticket, delivery: Delivery = Delivery.MESSAGE) -> None:
    """Record that a ticket's answers have reached the customer, or how else it went."""
    for answer in await storage.intents.answers(ticket.id):
        await storage.intents.delivered(answer.id, delivery, ARRIVED)


async def answer(storage: Storage, ticket: Ticket, text: str = "Try again.") -> None:
    """Answer a ticket, and deliver the answer."""
    await storage.tickets.answered(ticket.id, MODERATOR, text)
    await arrives(storage, ticket)


async def stage(storage: Storage, ticket: Ticket) -> Stage | None:
    """Return a ticket's stage."""
    return (await storage.tickets.get(ticket.id)).stage


async def end(url: str, ticket: Ticket) -> datetime | None:
    """Return when a ticket's stage ends."""
    async with connected(url) as connection:
        query = sa.select(TicketRow.stage_ends_at).where(TicketRow.id == ticket.id)
        return (await connection.execute(query)).scalar_one()


async def reminders(storage: Storage, ticket: Ticket) -> list[tuple[str, int | None]]:
    """Return the texts of the reminders of a ticket that are not posted yet, and whom they mention."""
    return [(note.text, note.mention) for note in await storage.intents.notes(ticket.id) if note.reminder]


async def test_nothing_is_due_in_a_guild_whose_owner_has_chosen_nothing(storage: Storage, url: str) -> None:
    ticket = await file(storage)
    other = await file(storage, STRANGER)
    await answer(storage, other)

    await passes(url, days=365)

    assert await storage.ended_stages.ids() == []
    assert (await stage(storage, ticket), await stage(storage, other)) == (Stage.WAITING, Stage.ANSWERED)


async def test_a_wait_is_due_after_the_hours_and_reminded_of_once(storage: Storage, url: str) -> None:
    await choose(storage, remind_after_hours=5)
    ticket = await file(storage)
    await storage.tickets.take(ticket.id, MODERATOR)
    await passes(url, hours=4, minutes=59)
    assert await storage.ended_stages.ids() == []
    await storage.ended_stages.remind(ticket.id, REMINDER)
    assert await reminders(storage, ticket) == []

    await passes(url, minutes=1)
    assert await storage.ended_stages.ids() == [ticket.id]
    await asyncio.gather(*(storage.ended_stages.remind(ticket.id, REMINDER) for _ in range(4)))

    assert await reminders(storage, ticket) == [(REMINDER.text, MODERATOR)]
    assert await storage.ended_stages.ids() == []
    assert await stage(storage, ticket) is Stage.REMINDED


async def test_a_silence_is_asked_about_once_and_closed_once(storage: Storage, url: str) -> None:
    await choose(storage, close_after_days=2)
    ticket = await file(storage)
    await answer(storage, ticket)
    await storage.ended_stages.ask(ticket.id, BOT, "Did it help?")
    assert await storage.intents.answers(ticket.id) == []

    await passes(url, days=2)
    assert await storage.ended_stages.ids() == [ticket.id]
    await storage.ended_stages.close_silent(ticket.id, BOT, "Bye.")
    await asyncio.gather(*(storage.ended_stages.ask(ticket.id, BOT, "Did it help?") for _ in range(4)))
    (asked,) = await storage.intents.answers(ticket.id)
    assert (asked.asking, asked.closing, asked.author_id) == (True, False, BOT)
    await passes(url, days=9)
    assert await storage.ended_stages.ids() == []  # they have not been asked yet

    await arrives(storage, ticket)
    await passes(url, days=2)
    assert await storage.ended_stages.ids() == [ticket.id]
    await asyncio.gather(*(storage.ended_stages.close_silent(ticket.id, BOT, "Bye.") for _ in range(4)))

    closed = await storage.tickets.get(ticket.id)
    assert (closed.resolved, closed.resolution, closed.resolved_by) == (True, Resolution.NO_REPLY, BOT)
    assert [message.text for message in await storage.tickets.messages(ticket.id)][1:] == ["Did it help?", "Bye."]
    assert await storage.ended_stages.ids() == []
    assert closed.stage is None


@pytest.mark.parametrize("delivery", [Delivery.LEFT, Delivery.FAILED])
async def test_nobody_is_asked_or_closed_out_whom_an_answer_or_the_question_has_not_reached(
    storage: Storage, url: str, delivery: Delivery
) -> None:
    await choose(storage, close_after_days=1)
    ticket, other = await file(storage), await file(storage, STRANGER)
    await storage.tickets.answered(ticket.id, MODERATOR, "Try again.")
    await arrives(storage, ticket, delivery)
    await answer(storage, other)
    await passes(url, days=1)
    assert await storage.ended_stages.ids() == [other.id]
    await storage.ended_stages.ask(other.id, BOT, "Did it help?")
    await arrives(storage, other, delivery)

    await passes(url, days=9)

    assert await storage.ended_stages.ids() == []
    assert (await stage(storage, ticket), await stage(storage, other)) == (None, None)


async def test_an_answer_that_arrives_after_the_customer_wrote_begins_no_silence(storage: Storage) -> None:
    ticket = await file(storage)
    await storage.tickets.answered(ticket.id, MODERATOR, "Try again.")
    await storage.tickets.wrote_back(ticket.id, CUSTOMER, "Is anybody there?")

    await arrives(storage, ticket)

    assert await stage(storage, ticket) is Stage.WAITING


@pytest.mark.parametrize("delivery", [Delivery.MESSAGE, Delivery.MENTION, Delivery.LEFT, Delivery.FAILED])
async def test_what_closed_a_ticket_is_no_answer_if_it_arrives_after_the_reopening(
    storage: Storage, url: str, delivery: Delivery
) -> None:
    await choose(storage, remind_after_hours=1, close_after_days=1)
    ticket = await file(storage)
    await storage.tickets.wrote_back(ticket.id, CUSTOMER, "Is anybody there?")
    await storage.tickets.resolve(ticket.id, MODERATOR, Resolution.FIXED, answer="Bye.")
    await storage.tickets.reopen(ticket.id, MODERATOR)
    await passes(url, hours=1)
    await storage.ended_stages.remind(ticket.id, REMINDER)

    await arrives(storage, ticket, delivery)

    reopened = await storage.tickets.get(ticket.id)
    assert (reopened.stage, reopened.reopened_by) == (Stage.REMINDED, MODERATOR)
    assert await reminders(storage, ticket) == [(REMINDER.text, None)]


async def test_what_ends_a_stage_takes_back_what_was_not_posted(storage: Storage, url: str) -> None:
    await choose(storage, remind_after_hours=1, close_after_days=1)
    ticket = await file(storage)
    await passes(url, hours=1)
    await storage.ended_stages.remind(ticket.id, REMINDER)
    await answer(storage, ticket)
    assert await reminders(storage, ticket) == []
    await passes(url, days=1)
    await storage.ended_stages.ask(ticket.id, BOT, "Did it help?")

    await storage.tickets.heard(ticket.id, CUSTOMER)

    assert await storage.intents.answers(ticket.id) == []
    assert await stage(storage, ticket) is Stage.ANSWERED
    since = (await storage.tickets.get(ticket.id)).stage_since
    assert since is not None
    assert utc_now() - since < timedelta(minutes=1)


@pytest.mark.parametrize("who", [STRANGER, MODERATOR])
async def test_only_its_customer_is_heard(storage: Storage, url: str, who: int) -> None:
    await choose(storage, close_after_days=1)
    ticket = await file(storage)
    await answer(storage, ticket)
    await passes(url, days=1)

    await storage.tickets.heard(ticket.id, who)

    assert await storage.ended_stages.ids() == [ticket.id]


async def test_a_press_of_the_customers_while_moderators_are_to_answer_ends_no_wait(storage: Storage, url: str) -> None:
    await choose(storage, remind_after_hours=1)
    ticket = await file(storage)
    await passes(url, hours=1)

    await storage.tickets.heard(ticket.id, CUSTOMER)

    assert await storage.ended_stages.ids() == [ticket.id]


async def test_other_hours_and_days_hold_for_tickets_that_are_there(storage: Storage, url: str) -> None:
    waiting, silent = await file(storage), await file(storage, STRANGER)
    elsewhere = await file(storage, guild_id=ELSEWHERE)
    await answer(storage, silent)
    await passes(url, days=3)

    await choose(storage, remind_after_hours=24 * 4, close_after_days=4)
    assert await storage.ended_stages.ids() == []
    await choose(storage, remind_after_hours=24, close_after_days=4)
    assert await storage.ended_stages.ids() == [waiting.id]
    await choose(storage, remind_after_hours=None, close_after_days=2)
    assert await storage.ended_stages.ids() == [silent.id]
    await choose(storage, close_after_days=None)
    assert await storage.ended_stages.ids() == []
    await choose(storage, ELSEWHERE, remind_after_hours=1)

    assert await storage.ended_stages.ids() == [elsewhere.id]


async def test_a_wait_that_was_reminded_of_is_not_again_when_the_hours_change(storage: Storage, url: str) -> None:
    await choose(storage, remind_after_hours=1)
    ticket = await file(storage)
    await passes(url, hours=1)
    await storage.ended_stages.remind(ticket.id, REMINDER)

    await choose(storage, remind_after_hours=2)
    await passes(url, days=1)

    assert await storage.ended_stages.ids() == []


async def test_who_was_asked_keeps_the_days_that_they_were_told(storage: Storage, url: str) -> None:
    await choose(storage, close_after_days=10)
    ticket = await file(storage)
    await answer(storage, ticket)
    await passes(url, days=10)
    await storage.ended_stages.ask(ticket.id, BOT, "Did it help?")
    await arrives(storage, ticket)
    told = await end(url, ticket)

    await choose(storage, close_after_days=1)
    assert await end(url, ticket) == told
    await choose(storage, close_after_days=None)
    await choose(storage, close_after_days=1)
    await passes(url, days=1)

    assert await stage(storage, ticket) is Stage.ANSWERED  # they are asked anew before it is closed
    assert await storage.ended_stages.ids() == [ticket.id]


@pytest.mark.parametrize("days", [1, 9, None])
async def test_a_question_that_has_not_arrived_is_taken_back_when_the_days_change_and_asked_anew(
    storage: Storage, url: str, days: int | None
) -> None:
    await choose(storage, close_after_days=7)
    ticket, other = await file(storage), await file(storage, guild_id=ELSEWHERE)
    await choose(storage, ELSEWHERE, close_after_days=7)
    for each in (ticket, other):
        await answer(storage, each)
    await passes(url, days=7)
    for each in (ticket, other):
        await storage.ended_stages.ask(each.id, BOT, "I close it in 7 days.")

    await choose(storage, close_after_days=days)

    assert await storage.intents.answers(ticket.id) == []
    assert [message.text for message in await storage.tickets.messages(ticket.id)] == ["Try again."]
    assert await stage(storage, ticket) is Stage.ANSWERED
    assert await storage.ended_stages.ids() == [ticket.id] * (days == 1)
    assert await stage(storage, other) is Stage.ASKING
    assert len(await storage.intents.answers(other.id)) == 1


async def test_other_settings_change_no_end(storage: Storage, url: str) -> None:
    await choose(storage, remind_after_hours=1)
    ticket = await file(storage)
    before = await end(url, ticket)

    await storage.guilds.change(GUILD, OWNER, support_channel_id=8)
    await choose(storage, leak_guard=True)

    assert await end(url, ticket) == before is not None


async def test_nothing_is_due_in_a_guild_that_the_bot_has_left_until_it_is_back(storage: Storage, url: str) -> None:
    await choose(storage, remind_after_hours=1)
    ticket = await file(storage)
    await storage.guilds.left(GUILD, at=utc_now())
    await passes(url, hours=2)
    assert await storage.ended_stages.ids() == []

    await storage.guilds.left(GUILD, at=None)

    assert await storage.ended_stages.ids() == [ticket.id]


async def test_a_round_takes_a_few_at_a_time_those_that_wait_longest_first(storage: Storage, url: str) -> None:
    await choose(storage, remind_after_hours=1)
    tickets = [await file(storage, CUSTOMER + number) for number in range(MOST_AT_ONCE + 2)]
    await passes(url, hours=2)

    due = await storage.ended_stages.ids()

    assert due == [ticket.id for ticket in tickets[:MOST_AT_ONCE]]


async def test_what_is_due_is_found_by_an_index(storage: Storage, url: str) -> None:
    await choose(storage, remind_after_hours=1)
    for number in range(3 * MOST_AT_ONCE):
        await file(storage, CUSTOMER + number)
    with statements(storage) as asked:
        assert await storage.ended_stages.ids() == []
    ((statement, parameters),) = [found for found in asked if found[0].startswith("SELECT")]

    async with connected(url) as connection:
        if url.startswith("sqlite"):
            plan = str((await connection.exec_driver_sql(f"EXPLAIN QUERY PLAN {statement}", parameters)).all())
        else:
            await connection.exec_driver_sql("ANALYZE")
            await connection.exec_driver_sql("SET enable_seqscan = off")  # the table is too small to need an index
            plan = str((await connection.exec_driver_sql(f"EXPLAIN {statement}", parameters)).all())

    assert "ix_help_requests_stage_ends_at" in plan


async def test_the_stage_of_a_ticket_is_in_its_customers_export(storage: Storage) -> None:
    await storage.tickets.file(new_ticket())

    exported: dict[str, Any] = await storage.personal_data.export(CUSTOMER)

    (request,) = exported["help_requests"]
    assert request["ticket"]["stage"] == "waiting"
    assert request["ticket"]["stage_since"]


@pytest.mark.parametrize("added", ["topic", "number", "screenshot"])
@pytest.mark.parametrize("late", [False, True], ids=["answer arrived", "answer arrives later"])
async def test_a_customer_who_adds_something_without_words_waits_for_the_moderators_again(
    storage: Storage, added: str, *, late: bool
) -> None:
    ticket = await file(storage)
    await storage.tickets.answered(ticket.id, MODERATOR, "What is your order number?")
    if not late:
        await arrives(storage, ticket)
        assert await stage(storage, ticket) is Stage.ANSWERED
    shown = (await storage.tickets.get(ticket.id)).version

    new = new_ticket()
    if added == "topic":
        new = replace(new, topic=Topic.NO_EMAIL)
    elif added == "number":
        new = replace(new, details=replace(new.details, claimed_number="1042"))
    for _ in range(2):  # they press again
        await storage.tickets.file(new, screenshot_note=ASK_AGAIN if added == "screenshot" else None)
    if late:
        await arrives(storage, ticket)

    assert await stage(storage, ticket) is Stage.WAITING
    assert (await storage.tickets.get(ticket.id)).version == shown + 1
    actions = [entry.action for entry in await audit_entries(storage, GUILD)]
    assert actions == [Action.FILED, Action.ANSWERED, Action.WROTE_BACK]
