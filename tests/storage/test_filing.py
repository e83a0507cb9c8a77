"""What is stored when somebody asks for help: the number they say, room for it, a note for a screenshot, times."""

from dataclasses import replace
from datetime import timedelta
from typing import Any

import pytest
import sqlalchemy as sa
from storage.samples import CUSTOMER, ELSEWHERE, GUILD, MODERATOR, STRANGER, connected, execute, file, new_ticket
from storage.samples import settings as settings_for

from fileflare_bot.orders.reference import OrderReference
from fileflare_bot.storage.database import utc_now
from fileflare_bot.storage.errors import TooManyTickets
from fileflare_bot.storage.models import Base, NoteRow, TicketRow
from fileflare_bot.storage.records import NewNote, NewTicket, Resolution, TicketDetails, Topic
from fileflare_bot.storage.storage import Storage, open_storage

ORDER = "an-order-of-the-test"
ANOTHER_ORDER = "another-order-of-the-test"
ASK_AGAIN = NewNote("Ask for it again.", "open")
HOUR = 3600
DAY = 24 * HOUR


def claiming(number: str, token: str | None = None) -> NewTicket:
    reference = None if token is None else OrderReference(token)
    details = TicketDetails(reference=reference, claimed_number=number)
    return NewTicket(GUILD, CUSTOMER, 7, "en", Topic.ORDER_NOT_FOUND, details)


async def test_a_claimed_number_is_kept_apart_from_fileflares_and_encrypted(storage: Storage, url: str) -> None:
    ticket = (await storage.tickets.file(claiming("CLAIMED-1042"))).ticket
    assert (ticket.details.order_number, ticket.details.claimed_number) == ("", "CLAIMED-1042")

    checked = await storage.tickets.checked(ticket.id, MODERATOR, "1051", ())
    assert (checked.details.order_number, checked.details.claimed_number) == ("1051", "CLAIMED-1042")
    exported = await storage.personal_data.export(CUSTOMER)
    assert exported["help_requests"][0]["ticket"]["details"]["claimed_number"] == "CLAIMED-1042"
    async with connected(url) as connection:
        for table in Base.metadata.sorted_tables:
            assert "CLAIMED-1042" not in str((await connection.execute(sa.select(table))).all())


async def test_a_later_number_is_added_only_where_fileflares_is_not_known(storage: Storage) -> None:
    first = (await storage.tickets.file(claiming(""))).ticket
    known = (await storage.tickets.file(new_ticket(token=ORDER, order_number="1051"))).ticket

    added = await storage.tickets.file(claiming("1042"))
    assert (added.existing, added.ticket.details.claimed_number) == (True, "1042")
    assert added.ticket.version > first.version
    again = await storage.tickets.file(claiming("1042"))
    assert again.ticket.version == added.ticket.version
    ignored = await storage.tickets.file(replace(claiming("777", ORDER), topic=Topic.DOWNLOAD_FAILS))
    assert (ignored.ticket.details.claimed_number, ignored.ticket.version) == ("", known.version)


@pytest.mark.parametrize("limits", [{"help_open_per_person": 2}, {"help_a_day_per_person": 2}])
async def test_whether_there_is_room_is_what_filing_says_too(url: str, limits: dict[str, Any]) -> None:
    async with open_storage(settings_for(url, **limits)) as storage:

        async def room(token: str | None, user_id: int = CUSTOMER, guild_id: int = GUILD) -> bool:
            reference = None if token is None else OrderReference(token)
            try:
                await storage.tickets.require_room(guild_id, user_id, reference)
            except TooManyTickets:
                with pytest.raises(TooManyTickets):
                    await storage.tickets.file(new_ticket(user_id, token, guild_id=guild_id))
                return False
            return True

        await file(storage, token=ORDER)
        assert await room(None)
        await file(storage)

        assert not await room(ANOTHER_ORDER)
        assert await room(ORDER)  # words are added to the open one
        assert await storage.tickets.require_room(GUILD, CUSTOMER, OrderReference(ORDER)) == 1
        assert await room(None)
        assert await room(ANOTHER_ORDER, STRANGER)
        assert await room(ANOTHER_ORDER, guild_id=ELSEWHERE)
        assert (await storage.tickets.page(GUILD, 1)).total == 2  # asking has stored nothing


async def test_the_refusal_knows_the_newest_open_requests_and_the_guilds_own_limit_counts(storage: Storage) -> None:
    tickets = [await file(storage, token=f"order-number-{number}-of-the-test") for number in range(2)]
    await storage.tickets.require_room(GUILD, CUSTOMER, None)

    with pytest.raises(TooManyTickets) as refused:
        await storage.tickets.require_room(GUILD, CUSTOMER, None, open_per_user=2)

    assert refused.value.open_tickets == tuple(
        (ticket.id, ticket.number, ticket.details.order_number) for ticket in reversed(tickets)
    )


async def test_a_note_for_a_screenshot_is_held_for_its_caller_and_due_after_a_minute(
    storage: Storage, url: str
) -> None:
    filed = await storage.tickets.file(new_ticket(), screenshot_note=ASK_AGAIN)
    ticket, note_id = filed.ticket, filed.note_id
    assert note_id is not None

    assert await storage.intents.notes(ticket.id) == []
    assert [note.id for note in await storage.intents.notes(ticket.id, note_id)] == [note_id]
    await storage.intents.card_shown(ticket, ticket.card, ticket.version)
    await storage.intents.notes_postponed(ticket.id)
    assert [note.text for note in await storage.intents.notes(ticket.id)] == ["Ask for it again."]
    await execute(url, sa.update(NoteRow).values(attempts=0, retry_at=utc_now() - timedelta(seconds=1)))
    assert [note.text for note in await storage.intents.notes(ticket.id)] == ["Ask for it again."]
    assert ticket.id in await storage.intents.due_tickets()


async def test_whoever_presses_again_before_the_note_is_posted_gets_the_same_note(storage: Storage) -> None:
    first = await storage.tickets.file(new_ticket(words="see"), screenshot_note=ASK_AGAIN)

    again = await storage.tickets.file(new_ticket(words="see"), screenshot_note=ASK_AGAIN)
    assert (again.existing, again.note_id) == (True, first.note_id)
    assert first.note_id is not None
    await storage.intents.note_posted(first.note_id)
    another = await storage.tickets.file(new_ticket(words="see"), screenshot_note=ASK_AGAIN)

    assert len(await storage.intents.notes(first.ticket.id, another.note_id)) == 1


async def test_a_screenshot_alone_counts_as_written_back(url: str) -> None:
    async with open_storage(settings_for(url, help_a_day_per_person=1)) as storage:
        for _ in range(11):  # the first with the ticket
            filed = await storage.tickets.file(new_ticket(), screenshot_note=ASK_AGAIN)
            assert filed.note_id is not None
            await storage.intents.note_posted(filed.note_id)

        with pytest.raises(TooManyTickets):
            await storage.tickets.file(new_ticket(), screenshot_note=ASK_AGAIN)
        assert await storage.intents.notes(filed.ticket.id, filed.note_id) == []


async def test_numbers_alone_count_as_written_back(url: str) -> None:
    async with open_storage(settings_for(url, help_a_day_per_person=1)) as storage:
        for number in range(11):  # the first with the ticket
            filed = await storage.tickets.file(claiming(f"104{number % 2}"))

        with pytest.raises(TooManyTickets):
            await storage.tickets.file(claiming("1041"))
        assert (await storage.tickets.get(filed.ticket.id)).details.claimed_number == "1040"


async def answered(storage: Storage, url: str, hours: float, *, days_ago: float = 0, guild_id: int = GUILD) -> None:
    """File a ticket of somebody's, answered after so many hours."""
    filed = await storage.tickets.file(new_ticket(1000 + round(100 * hours), guild_id=guild_id))
    at = utc_now() - timedelta(days=days_ago) - timedelta(hours=hours)
    its = sa.update(TicketRow).where(TicketRow.id == filed.ticket.id)
    await execute(url, its.values(created_at=at, answered_at=at + timedelta(hours=hours)))


@pytest.mark.parametrize(
    ("hours", "usual"),
    [
        ([0.1, 0.11, 0.12, 0.13], None),  # too few
        ([0.1, 0.11, 0.12, 0.13, 0.14], HOUR / 4),
        ([0.1, 0.2, 0.3, 2.9, 70], 3 * HOUR),  # one of five is slower
        ([1, 2, 3, 4, 5], 12 * HOUR),
        ([20, 21, 22, 23, 23.5], DAY),
        ([25, 26, 27, 28, 29], 3 * DAY),
        ([100, 101, 102, 103, 104], 7 * DAY),
        ([200, 201, 202, 203, 204], None),  # nobody would like to read that
    ],
)
async def test_the_usual_time_to_an_answer_is_what_most_waited_at_most_rounded_up(
    storage: Storage, url: str, hours: list[float], usual: float | None
) -> None:
    for each in hours:
        await answered(storage, url, each)

    assert await storage.figures.usual_answer_time(GUILD) == usual
    assert await storage.figures.usual_answer_time(ELSEWHERE) is None


async def test_answers_of_long_ago_tell_nothing(storage: Storage, url: str) -> None:
    for hours in range(1, 6):
        await answered(storage, url, hours, days_ago=31)

    assert await storage.figures.usual_answer_time(GUILD) is None


async def test_who_still_waits_for_more_than_a_day_counts_and_who_has_just_asked_does_not(
    storage: Storage, url: str
) -> None:
    for hours in (0.1, 0.11, 0.12, 0.13, 0.14):
        await answered(storage, url, hours)
    waiting = [await file(storage, STRANGER, f"waiting-{number}-of-the-test") for number in range(3)]
    assert await storage.figures.usual_answer_time(GUILD) == HOUR / 4

    await execute(
        url,
        sa.update(TicketRow).where(TicketRow.answered_at.is_(None)).values(created_at=utc_now() - timedelta(days=2)),
    )
    assert await storage.figures.usual_answer_time(GUILD) == 3 * DAY
    for ticket in waiting:
        await storage.tickets.resolve(ticket.id, STRANGER, Resolution.CUSTOMER)

    assert await storage.figures.usual_answer_time(GUILD) == HOUR / 4
