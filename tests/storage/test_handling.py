"""The life of a ticket: who may do what with it when, and that every step has an audit entry."""

import asyncio
from collections.abc import Awaitable
from dataclasses import replace
from datetime import UTC, timedelta
from typing import Any

import pytest
import sqlalchemy as sa
from databases import audit_entries
from storage.samples import COLLEAGUE, CUSTOMER, ELSEWHERE, GUILD, MODERATOR, STRANGER, execute, file, new_ticket
from storage.samples import settings as settings_for

from fileflare_bot.orders.diagnosis import Finding, Kind
from fileflare_bot.orders.reference import ReferenceProblem
from fileflare_bot.storage.database import utc_now
from fileflare_bot.storage.errors import AlreadyTaken, NoSuchTicket, NotPossibleNow, TooManyTickets
from fileflare_bot.storage.models import MessageRow, TicketRow
from fileflare_bot.storage.records import Action, Card, NewNote, Resolution, Ticket, Topic
from fileflare_bot.storage.storage import Storage, open_storage
from fileflare_bot.storage.tickets import TICKETS_ON_A_PAGE

ORDER = "an-order-of-the-test"
ANOTHER_ORDER = "another-order-of-the-test"
UNKNOWN_REQUEST = 123_456


async def done(storage: Storage, number: int = 1) -> list[tuple[int, Action]]:
    """Return who did what with a ticket, and check that each entry is of the last minute."""
    entries = await audit_entries(storage, GUILD, number)
    for entry in entries:
        assert entry.at.tzinfo is UTC
        assert timedelta(0) <= utc_now() - entry.at < timedelta(minutes=1)
        assert (entry.guild_id, entry.number) == (GUILD, number)
    assert [entry.at for entry in entries] == sorted(entry.at for entry in entries)
    return [(entry.actor_id, entry.action) for entry in entries]


async def resolved(storage: Storage, *given: Any, **more: Any) -> Ticket:  # noqa: ANN401 - arguments of new_ticket
    ticket = await file(storage, *given, **more)
    return await storage.tickets.resolve(ticket.id, MODERATOR, Resolution.ANSWERED)


async def move(url: str, ticket: Ticket, **columns: object) -> None:
    await execute(url, sa.update(TicketRow).where(TicketRow.id == ticket.id).values(**columns))


async def test_what_is_filed_is_what_is_read(storage: Storage) -> None:
    findings = (
        Finding(Kind.USED_UP, "a file ✓.zip", 10, 10),
        Finding(Kind.WRONG_REFERENCE, problem=ReferenceProblem.ORDER_NUMBER),
    )
    new = new_ticket(token=ORDER, words="hält nicht\n\0?", findings=findings, order_number="#1", name="Zoë")

    filed = await storage.tickets.file(new)

    ticket = filed.ticket
    assert not filed.existing
    assert ticket == await storage.tickets.get(ticket.id)
    assert ticket.details == new.details
    assert ticket.readable
    assert (ticket.guild_id, ticket.number, ticket.user_id) == (GUILD, 1, CUSTOMER)
    assert (ticket.channel_id, ticket.locale, ticket.topic) == (7, "en", Topic.DOWNLOAD_FAILS)
    assert (ticket.resolved, ticket.resolution, ticket.resolved_by, ticket.taken_by) == (False, None, None, None)
    assert ticket.created_at.tzinfo is UTC
    assert (ticket.answered_at, ticket.resolved_at, ticket.card) == (None, None, Card())
    assert await done(storage) == [(CUSTOMER, Action.FILED)]


async def test_a_second_request_about_an_open_order_adds_its_words_to_the_first(storage: Storage) -> None:
    first = await file(storage, token=ORDER, words="it fails")

    again = await storage.tickets.file(new_ticket(token=ORDER, words="it still fails"))

    assert again.existing
    assert again.ticket == first
    (message,) = await storage.tickets.messages(first.id)
    assert (message.author_id, message.from_moderator, message.text) == (CUSTOMER, False, "it still fails")
    assert message.at.tzinfo is UTC
    assert await done(storage) == [(CUSTOMER, Action.FILED), (CUSTOMER, Action.WROTE_BACK)]
    assert (await file(storage, token=ANOTHER_ORDER)).number == 2


async def test_a_second_request_without_words_adds_nothing(storage: Storage) -> None:
    first = await file(storage, token=ORDER)

    assert (await storage.tickets.file(new_ticket(token=ORDER))).existing

    assert await storage.tickets.messages(first.id) == []
    assert await done(storage) == [(CUSTOMER, Action.FILED)]


async def test_requests_without_an_order_are_one_open_request_too(storage: Storage) -> None:
    first = await file(storage)

    again = await storage.tickets.file(new_ticket())

    assert (again.existing, again.ticket.number) == (True, first.number)


async def test_another_person_order_or_server_gets_a_request_of_its_own(storage: Storage) -> None:
    await file(storage, token=ORDER)

    assert (await file(storage, STRANGER, ORDER)).number == 2
    assert (await file(storage, token=ANOTHER_ORDER)).number == 3
    assert (await file(storage)).number == 4
    assert (await file(storage, token=ORDER, guild_id=ELSEWHERE)).number == 1


async def test_after_it_is_resolved_the_order_may_be_asked_about_again_and_the_old_one_stays_closed(
    storage: Storage,
) -> None:
    old = await resolved(storage, token=ORDER)
    new = await file(storage, token=ORDER)
    assert new.number == 2

    with pytest.raises(NotPossibleNow):
        await storage.tickets.reopen(old.id, MODERATOR)
    with pytest.raises(NotPossibleNow):
        await storage.tickets.wrote_back(old.id, CUSTOMER, "hello?")

    assert (await storage.tickets.get(old.id)).resolved
    assert await storage.tickets.messages(old.id) == []
    await storage.tickets.resolve(new.id, MODERATOR, Resolution.CUSTOMER)
    assert not (await storage.tickets.reopen(old.id, MODERATOR)).resolved


async def test_reopening_two_of_the_same_order_at_once_opens_one(storage: Storage) -> None:
    closed = [await resolved(storage, token=ORDER) for _ in range(6)]

    for _ in range(5):
        tries = [storage.tickets.reopen(ticket.id, MODERATOR) for ticket in closed]
        outcomes = await asyncio.gather(*tries, return_exceptions=True)

        opened = [outcome for outcome in outcomes if isinstance(outcome, Ticket)]
        others = {type(outcome) for outcome in outcomes if not isinstance(outcome, Ticket)}
        assert (len(opened), others) == (1, {NotPossibleNow})
        await storage.tickets.resolve(opened[0].id, MODERATOR, Resolution.FIXED)


async def test_reopening_while_the_same_order_is_asked_about_again_leaves_one_open(storage: Storage) -> None:
    for person in range(10, 30):
        old = await resolved(storage, person, ORDER)

        reopened, filed = await asyncio.gather(
            storage.tickets.reopen(old.id, MODERATOR),
            storage.tickets.file(new_ticket(person, ORDER)),
            return_exceptions=True,
        )

        assert not isinstance(filed, BaseException), repr(filed)
        if filed.existing:
            assert isinstance(reopened, Ticket)
            assert filed.ticket.number == reopened.number
        else:
            assert isinstance(reopened, NotPossibleNow)


@pytest.mark.parametrize(
    "limits", [{"help_open_per_person": 2, "help_a_day_per_person": 10}, {"help_a_day_per_person": 2}]
)
async def test_a_person_at_their_limit_files_nothing_and_costs_no_number(url: str, limits: dict[str, Any]) -> None:
    async with open_storage(settings_for(url, **limits)) as storage:
        for token in (ORDER, ANOTHER_ORDER):
            await file(storage, token=token)

        with pytest.raises(TooManyTickets):
            await storage.tickets.file(new_ticket(token="a-third-order-of-the-test", words="please"))

        assert (await storage.tickets.file(new_ticket(token=ORDER, words="please"))).existing
        assert (await storage.tickets.page(GUILD, 1)).total == 2
        assert await audit_entries(storage, GUILD, 3) == []
        assert (await file(storage, STRANGER)).number == 3
        assert (await file(storage, guild_id=ELSEWHERE)).number == 1


async def test_a_resolved_request_makes_room_for_an_open_one(url: str) -> None:
    async with open_storage(settings_for(url, help_open_per_person=1)) as storage:
        await resolved(storage, token=ORDER)

        assert (await file(storage, token=ANOTHER_ORDER)).number == 2


async def test_the_limit_of_a_day_counts_resolved_ones_and_ends_after_a_day(url: str) -> None:
    async with open_storage(settings_for(url, help_a_day_per_person=1)) as storage:
        first = await resolved(storage)
        with pytest.raises(TooManyTickets):
            await storage.tickets.file(new_ticket())

        await move(url, first, created_at=utc_now() - timedelta(days=1, minutes=1))

        assert (await file(storage)).number == 2


async def test_words_for_an_open_request_count_as_written_back(url: str) -> None:
    async with open_storage(settings_for(url, help_a_day_per_person=1)) as storage:
        ticket = await file(storage, token=ORDER)
        for number in range(5):
            await storage.tickets.file(new_ticket(token=ORDER, words=f"hello? {number}"))
            await storage.tickets.wrote_back(ticket.id, CUSTOMER, f"anybody? {number}")

        with pytest.raises(TooManyTickets):
            await storage.tickets.file(new_ticket(token=ORDER, words="please"))
        with pytest.raises(TooManyTickets):
            await storage.tickets.wrote_back(ticket.id, CUSTOMER, "please")
        assert (await storage.tickets.file(new_ticket(token=ORDER, words="anybody? 4"))).existing  # the last once more

        assert len(await storage.tickets.messages(ticket.id)) == 10


async def test_a_moderators_answers_do_not_count_as_what_they_write_as_a_customer(url: str) -> None:
    async with open_storage(settings_for(url, help_a_day_per_person=1)) as storage:
        for_others, own = await file(storage), await file(storage, MODERATOR)
        for number in range(10):
            await storage.tickets.answered(for_others.id, MODERATOR, f"hello {number}")

        await storage.tickets.wrote_back(own.id, MODERATOR, "and mine?")

        assert len(await storage.tickets.messages(own.id)) == 1


async def test_a_request_may_ping_again_after_five_minutes_or_when_it_is_handed_over(
    url: str, storage: Storage
) -> None:
    ticket, other = await file(storage), await file(storage, STRANGER)
    assert await storage.intents.may_ping(ticket.id)

    await storage.intents.pinged(ticket.id)
    assert not await storage.intents.may_ping(ticket.id)
    assert await storage.intents.may_ping(other.id)
    await move(url, ticket, pinged_at=utc_now() - timedelta(minutes=5, seconds=1))
    assert await storage.intents.may_ping(ticket.id)
    await storage.intents.pinged(ticket.id)
    await storage.tickets.hand_over(ticket.id, MODERATOR, COLLEAGUE)

    assert await storage.intents.may_ping(ticket.id)


async def test_a_customer_who_writes_back_without_end_is_stopped(url: str) -> None:
    async with open_storage(settings_for(url, help_a_day_per_person=1)) as storage:
        ticket = await file(storage)
        for number in range(10):
            await storage.tickets.wrote_back(ticket.id, CUSTOMER, f"hello? {number}")

        with pytest.raises(TooManyTickets):
            await storage.tickets.wrote_back(ticket.id, CUSTOMER, "hello?")

        assert len(await storage.tickets.messages(ticket.id)) == 10


async def test_when_moderators_take_a_request_at_once_one_gets_it_and_the_others_learn_who(storage: Storage) -> None:
    ticket = await file(storage)

    tries = [storage.tickets.take(ticket.id, MODERATOR + number) for number in range(12)]
    outcomes = await asyncio.gather(*tries, return_exceptions=True)

    (winner,) = (outcome for outcome in outcomes if isinstance(outcome, Ticket))
    lost = [outcome for outcome in outcomes if isinstance(outcome, AlreadyTaken)]
    assert len(lost) == 11
    assert {error.moderator_id for error in lost} == {winner.taken_by}
    assert outcomes.index(winner) == (winner.taken_by or 0) - MODERATOR
    assert (await storage.tickets.get(ticket.id)).taken_by == winner.taken_by
    assert await done(storage) == [(CUSTOMER, Action.FILED), (winner.taken_by, Action.TOOK)]


async def test_a_resolved_request_is_neither_taken_nor_handed_over_nor_resolved(storage: Storage) -> None:
    ticket = await resolved(storage)
    before = await done(storage)

    changes: list[Awaitable[object]] = [
        storage.tickets.take(ticket.id, COLLEAGUE),
        storage.tickets.hand_over(ticket.id, MODERATOR, COLLEAGUE),
        storage.tickets.resolve(ticket.id, COLLEAGUE, Resolution.NO_REPLY),
    ]
    for change in changes:
        with pytest.raises(NotPossibleNow):
            await change

    assert await storage.tickets.get(ticket.id) == ticket
    assert await done(storage) == before


async def test_when_two_people_resolve_at_once_one_does(storage: Storage) -> None:
    ticket = await file(storage)

    tries = [storage.tickets.resolve(ticket.id, actor, Resolution.FIXED) for actor in (MODERATOR, COLLEAGUE)]
    outcomes = await asyncio.gather(*tries, return_exceptions=True)

    assert sorted(type(outcome).__name__ for outcome in outcomes) == ["NotPossibleNow", "Ticket"]
    assert [action for _, action in await done(storage)] == [Action.FILED, Action.RESOLVED]


async def test_a_request_is_handed_over_whoever_has_it(storage: Storage) -> None:
    ticket = await file(storage)
    await storage.tickets.take(ticket.id, MODERATOR)

    handed = await storage.tickets.hand_over(ticket.id, STRANGER, COLLEAGUE)

    assert handed.taken_by == COLLEAGUE
    assert handed == await storage.tickets.get(ticket.id)
    assert (await done(storage))[1:] == [(MODERATOR, Action.TOOK), (STRANGER, Action.HANDED_OVER)]


async def test_the_first_to_answer_takes_the_request_and_the_time_of_the_first_answer_stays(storage: Storage) -> None:
    ticket = await file(storage)

    first = await storage.tickets.answered(ticket.id, MODERATOR, "try this")
    second = await storage.tickets.answered(ticket.id, COLLEAGUE, "or that")

    assert first.answered_at is not None
    assert first.answered_at.tzinfo is UTC
    assert (second.answered_at, second.taken_by) == (first.answered_at, MODERATOR)
    assert second == await storage.tickets.get(ticket.id)
    assert (await done(storage))[1:] == [(MODERATOR, Action.ANSWERED), (COLLEAGUE, Action.ANSWERED)]


async def test_an_answer_to_a_resolved_request_is_refused_and_changes_nothing(storage: Storage) -> None:
    ticket = await resolved(storage)

    with pytest.raises(NotPossibleNow):
        await storage.tickets.answered(ticket.id, COLLEAGUE, "one more thing")

    assert await storage.tickets.get(ticket.id) == ticket
    assert await storage.tickets.messages(ticket.id) == []


async def test_a_customer_who_writes_back_opens_a_resolved_request_again(storage: Storage) -> None:
    ticket = await resolved(storage)

    reopened = await storage.tickets.wrote_back(ticket.id, CUSTOMER, "no, it is not")

    assert (reopened.resolved, reopened.resolution) == (False, None)
    assert (reopened.resolved_by, reopened.resolved_at) == (None, None)
    assert reopened == await storage.tickets.get(ticket.id)
    assert (await done(storage))[2:] == [(CUSTOMER, Action.REOPENED), (CUSTOMER, Action.WROTE_BACK)]


async def test_a_stranger_writes_nothing_into_a_request(storage: Storage) -> None:
    ticket = await resolved(storage)

    with pytest.raises(NoSuchTicket):
        await storage.tickets.wrote_back(ticket.id, STRANGER, "let me in")

    assert await storage.tickets.get(ticket.id) == ticket
    assert await storage.tickets.messages(ticket.id) == []


async def test_what_was_written_comes_in_its_order(storage: Storage) -> None:
    ticket = await file(storage)
    await storage.tickets.answered(ticket.id, MODERATOR, "first")
    await storage.tickets.wrote_back(ticket.id, CUSTOMER, "second")
    await storage.tickets.answered(ticket.id, COLLEAGUE, "third")

    messages = await storage.tickets.messages(ticket.id)

    assert [(message.text, message.author_id, message.from_moderator) for message in messages] == [
        ("first", MODERATOR, True),
        ("second", CUSTOMER, False),
        ("third", COLLEAGUE, True),
    ]
    assert all(message.at.tzinfo is UTC for message in messages)


async def test_resolving_and_reopening_are_stored_with_moderator_and_reason(storage: Storage) -> None:
    ticket = await file(storage)

    closed = await storage.tickets.resolve(ticket.id, MODERATOR, Resolution.PASSED_ON)
    assert (closed.resolved, closed.resolution, closed.resolved_by) == (True, Resolution.PASSED_ON, MODERATOR)
    assert closed.resolved_at is not None
    assert closed.resolved_at.tzinfo is UTC
    assert closed == await storage.tickets.get(ticket.id)
    opened = await storage.tickets.reopen(ticket.id, COLLEAGUE)

    assert opened == ticket
    assert (await done(storage))[1:] == [(MODERATOR, Action.RESOLVED), (COLLEAGUE, Action.REOPENED)]
    with pytest.raises(NotPossibleNow):
        await storage.tickets.reopen(ticket.id, MODERATOR)


async def test_a_reopened_ticket_knows_who_reopened_it_and_what_its_customer_wrote_until_somebody_answers(
    storage: Storage,
) -> None:
    ticket = await file(storage)
    await storage.tickets.answered(ticket.id, MODERATOR, "Try again.")
    await storage.tickets.wrote_back(ticket.id, CUSTOMER, "It fails.")
    await storage.tickets.resolve(ticket.id, MODERATOR, Resolution.FIXED, answer="Goodbye!")
    await storage.tickets.reopen(ticket.id, COLLEAGUE)

    reopened = await storage.tickets.get(ticket.id)
    assert reopened.wrote is not None
    assert (reopened.wrote.text, reopened.reopened_by) == ("It fails.", COLLEAGUE)
    assert [each.reopened_by for each in (await storage.tickets.page(GUILD, 1)).tickets] == [COLLEAGUE]
    await storage.tickets.answered(ticket.id, MODERATOR, "Now?")
    await storage.tickets.wrote_back(ticket.id, CUSTOMER, "No.")
    assert (await storage.tickets.get(ticket.id)).reopened_by is None


async def test_a_reopened_ticket_names_nobody_once_its_customer_has_written(storage: Storage) -> None:
    ticket = await file(storage)
    await storage.tickets.wrote_back(ticket.id, CUSTOMER, "Is it fixed?")
    await storage.tickets.resolve(ticket.id, MODERATOR, Resolution.FIXED, answer="Yes.")
    await storage.tickets.reopen(ticket.id, COLLEAGUE)
    assert (await storage.tickets.get(ticket.id)).reopened_by == COLLEAGUE

    await storage.tickets.wrote_back(ticket.id, CUSTOMER, "It is not.")

    wrote = await storage.tickets.get(ticket.id)
    assert (wrote.wrote and wrote.wrote.text, wrote.reopened_by) == ("It is not.", None)


async def test_a_ticket_that_its_customer_reopens_names_no_moderator(storage: Storage) -> None:
    ticket = await file(storage)
    await storage.tickets.resolve(ticket.id, MODERATOR, Resolution.FIXED, answer="Goodbye!")
    await storage.tickets.wrote_back(ticket.id, CUSTOMER, "It fails.")

    assert (await storage.tickets.get(ticket.id)).reopened_by is None


async def test_the_open_ticket_of_a_user_about_an_order_is_found_while_it_is_open(storage: Storage) -> None:
    ticket = await file(storage, token=ORDER)
    reference = ticket.details.reference

    assert await storage.tickets.open_about(GUILD, CUSTOMER, reference) == ticket
    assert await storage.tickets.open_about(GUILD, STRANGER, reference) is None
    await storage.tickets.resolve(ticket.id, MODERATOR, Resolution.FIXED)
    assert await storage.tickets.open_about(GUILD, CUSTOMER, reference) is None


async def test_whoever_presses_again_after_a_failure_gets_the_same_result_once(storage: Storage) -> None:
    ticket = await file(storage, words="it fails")
    again = await storage.tickets.file(new_ticket(words="it fails"))
    assert again.ticket.id == ticket.id
    for _ in range(2):
        await storage.tickets.take(ticket.id, MODERATOR)
    for _ in range(2):
        await storage.tickets.answered(ticket.id, MODERATOR, "Try again.")
    for _ in range(2):
        await storage.tickets.wrote_back(ticket.id, CUSTOMER, "No luck.")
    for _ in range(2):
        await storage.tickets.hand_over(ticket.id, MODERATOR, COLLEAGUE)
    for _ in range(2):
        await storage.tickets.resolve(ticket.id, MODERATOR, Resolution.FIXED, answer="Done.")
    for _ in range(2):
        await storage.tickets.reopen(ticket.id, MODERATOR)

    texts = [message.text for message in await storage.tickets.messages(ticket.id)]
    assert texts == ["Try again.", "No luck.", "Done."]
    assert [action for _, action in await done(storage)] == [
        Action.FILED,
        Action.TOOK,
        Action.ANSWERED,
        Action.WROTE_BACK,
        Action.HANDED_OVER,
        Action.RESOLVED,
        Action.REOPENED,
    ]


async def test_a_check_changes_what_the_order_shows_and_nothing_else(storage: Storage) -> None:
    ticket = await file(storage, token=ORDER, words="it fails", name="Zoë", findings=(Finding(Kind.OUTAGE),))
    findings = (Finding(Kind.USED_UP, "a.zip", 3, 3), Finding(Kind.LAST_ONE, "b.zip", 2, 3))

    checked = await storage.tickets.checked(ticket.id, MODERATOR, "#2", findings)

    assert checked == replace(ticket, details=replace(ticket.details, order_number="#2", findings=findings))
    assert checked == await storage.tickets.get(ticket.id)
    assert (await done(storage))[1:] == [(MODERATOR, Action.CHECKED)]
    commonest = (await storage.figures.of_guild(GUILD, 1)).commonest
    assert sorted(commonest) == [("last_one", 1), ("used_up", 1)]


async def test_where_a_request_is_shown_is_kept_and_can_be_taken_back(storage: Storage) -> None:
    ticket = await file(storage)

    for card in (Card(2**62, 2**61, 2**60), Card(1, 2), Card()):
        await storage.intents.card_shown(ticket, card, 1)
        assert (await storage.tickets.get(ticket.id)).card == card


async def test_nothing_can_be_done_to_a_request_that_is_not_there(storage: Storage) -> None:
    do = storage.tickets
    changes: list[Awaitable[object]] = [
        do.get(UNKNOWN_REQUEST),
        do.take(UNKNOWN_REQUEST, MODERATOR),
        do.hand_over(UNKNOWN_REQUEST, MODERATOR, COLLEAGUE),
        do.checked(UNKNOWN_REQUEST, MODERATOR, "", ()),
        do.answered(UNKNOWN_REQUEST, MODERATOR, ""),
        do.wrote_back(UNKNOWN_REQUEST, CUSTOMER, ""),
        do.resolve(UNKNOWN_REQUEST, MODERATOR, Resolution.FIXED),
        do.reopen(UNKNOWN_REQUEST, MODERATOR),
    ]
    for change in changes:
        with pytest.raises(NoSuchTicket):
            await change

    assert await do.messages(UNKNOWN_REQUEST) == []
    assert await audit_entries(storage, GUILD) == []


async def test_a_page_shows_the_open_requests_of_a_server_oldest_first(storage: Storage) -> None:
    for person in range(1, 24):
        await file(storage, person)
    await file(storage, 99, guild_id=ELSEWHERE)
    await resolved(storage, 50)

    pages = [await storage.tickets.page(GUILD, number) for number in (1, 2, 3)]

    assert [(page.number, page.of, page.total) for page in pages] == [(1, 3, 23), (2, 3, 23), (3, 3, 23)]
    assert [len(page.tickets) for page in pages] == [TICKETS_ON_A_PAGE, TICKETS_ON_A_PAGE, 3]
    assert [ticket.number for page in pages for ticket in page.tickets] == [*range(1, 24)]
    for number, shown in ((-5, 1), (0, 1), (4, 3), (10**6, 3)):
        assert await storage.tickets.page(GUILD, number) == pages[shown - 1]


async def test_a_page_of_nothing_is_an_empty_first_page(storage: Storage) -> None:
    page = await storage.tickets.page(GUILD, 5)

    assert (page.tickets, page.number, page.of, page.total) == ((), 1, 1, 0)


async def test_a_page_can_show_what_one_moderator_has_taken(storage: Storage) -> None:
    for person, moderator in ((1, MODERATOR), (2, COLLEAGUE), (3, MODERATOR), (4, MODERATOR)):
        ticket = await file(storage, person)
        await storage.tickets.take(ticket.id, moderator)
    await storage.tickets.resolve(ticket.id, MODERATOR, Resolution.FIXED)

    page = await storage.tickets.page(GUILD, 1, taken_by=MODERATOR)

    assert [ticket.number for ticket in page.tickets] == [1, 3]


async def test_a_page_can_show_all_of_one_person_newest_first(storage: Storage) -> None:
    await resolved(storage, CUSTOMER)
    await file(storage, STRANGER)
    await file(storage, CUSTOMER)
    await file(storage, CUSTOMER, guild_id=ELSEWHERE)

    page = await storage.tickets.page(GUILD, 1, user_id=CUSTOMER)

    assert [(ticket.number, ticket.resolved) for ticket in page.tickets] == [(3, False), (1, True)]


async def test_what_was_never_shown_is_found_after_a_crash(storage: Storage) -> None:
    waiting = await file(storage, 1)
    shown = await file(storage, 2)
    await storage.intents.card_shown(shown, Card(1, 2, 2), 1)
    without_thread = await file(storage, 3)
    await storage.intents.card_shown(without_thread, Card(1, 3), 1)
    changed = await file(storage, 4)
    await storage.intents.card_shown(changed, Card(1, 4, 4), 1)
    await storage.tickets.take(changed.id, MODERATOR)
    later = await file(storage, 5)
    await storage.intents.ticket_postponed(later.id)

    assert await storage.intents.due_tickets() == [waiting.id, without_thread.id, changed.id]


async def test_a_card_that_was_posted_for_a_deleted_ticket_is_to_be_removed(storage: Storage) -> None:
    ticket = await file(storage, CUSTOMER)
    await storage.personal_data.forget(CUSTOMER)

    await storage.intents.card_shown(ticket, Card(1, 2, 2), 1)

    assert [(removal.channel_id, removal.message_id) for removal in await storage.intents.due_removals()] == [
        (2, None),
        (1, 2),
    ]


async def test_a_card_that_was_posted_while_it_was_to_be_posted_anew_is_to_be_removed(storage: Storage) -> None:
    ticket = await file(storage, CUSTOMER)
    await storage.tickets.post_again(ticket.id, MODERATOR)

    await storage.intents.card_shown(ticket, Card(1, 2), 1)

    assert [removal.message_id for removal in await storage.intents.due_removals()] == [2]
    assert (await storage.tickets.get(ticket.id)).card == Card()


async def test_a_thread_that_a_late_note_opens_is_archived_again(storage: Storage) -> None:
    ticket = await resolved(storage)
    await storage.intents.card_shown(ticket, Card(1, 2, 2), ticket.version)
    await storage.intents.thread_archived(ticket.id, archived=True)
    assert await storage.intents.due_tickets() == []

    await storage.intents.thread_archived(ticket.id, archived=False)

    assert await storage.intents.due_tickets() == [ticket.id]


async def test_the_reconciler_leaves_the_first_try_of_a_deletion_to_the_moderator_who_pressed(storage: Storage) -> None:
    removal = await storage.intents.remove_message(GUILD, 1, 2, MODERATOR)

    assert await storage.intents.due_removals() == []
    assert await storage.intents.remove_message(GUILD, 1, 2, COLLEAGUE) == removal


async def test_the_line_about_a_log_channel_is_for_the_channel_it_chose(storage: Storage) -> None:
    await storage.guilds.change(GUILD, MODERATOR, log_channel_id=5)
    await storage.guilds.change(GUILD, MODERATOR, log_channel_id=6)

    lines, channel_id = await storage.intents.due_lines(GUILD)

    assert [line.action for line in lines] == [Action.CHANGED_SETUP] * 2
    assert channel_id == 6


async def test_a_note_that_arrives_after_another_process_has_archived_the_thread_has_it_archived_again(
    storage: Storage, another: Storage
) -> None:
    ticket = await file(storage)
    await storage.intents.card_shown(ticket, Card(1, 2, 2), 1)
    posting = await storage.tickets.hand_over(ticket.id, MODERATOR, COLLEAGUE, NewNote("🤝", "taken"))
    (note,) = await storage.intents.notes(ticket.id)
    solved = await another.tickets.resolve(ticket.id, CUSTOMER, Resolution.CUSTOMER)
    await another.intents.card_shown(solved, solved.card, solved.version)
    await another.intents.thread_archived(ticket.id, archived=True)
    assert await storage.intents.due_tickets() == [ticket.id], "for the note"

    await storage.intents.note_posted(note.id, posting.id)

    assert not (await storage.tickets.get(ticket.id)).archived
    assert await storage.intents.due_tickets() == [ticket.id], "to be archived again"


async def test_a_card_that_a_stopping_process_draws_after_another_one_has_is_drawn_again(
    storage: Storage, another: Storage
) -> None:
    ticket = await file(storage)
    await storage.intents.card_shown(ticket, Card(1, 2, 2), 1)
    taken = await storage.tickets.take(ticket.id, MODERATOR)
    solved = await another.tickets.resolve(ticket.id, CUSTOMER, Resolution.CUSTOMER)
    await another.intents.card_shown(solved, solved.card, solved.version)
    await another.intents.thread_archived(ticket.id, archived=True)
    assert await storage.intents.due_tickets() == []

    await storage.intents.card_shown(taken, taken.card, taken.version)

    assert await another.intents.due_tickets() == [ticket.id]
    assert (await another.tickets.get(ticket.id)).shown_version < solved.version


async def test_the_same_words_reopen_a_request_that_was_closed_since(storage: Storage) -> None:
    ticket = await file(storage)
    await storage.tickets.wrote_back(ticket.id, CUSTOMER, "It does not work.")
    await storage.tickets.resolve(ticket.id, CUSTOMER, Resolution.CUSTOMER)

    again = await storage.tickets.wrote_back(ticket.id, CUSTOMER, "It does not work.")

    assert not again.resolved
    assert [message.text for message in await storage.tickets.messages(ticket.id)] == ["It does not work."] * 2


async def test_what_is_added_from_another_channel_in_another_language_is_answered_there(storage: Storage) -> None:
    first = await file(storage, token=ORDER)

    again = await storage.tickets.file(replace(new_ticket(token=ORDER), channel_id=99, locale="de"))

    assert (again.existing, again.ticket.id) == (True, first.id)
    assert (again.ticket.channel_id, again.ticket.locale) == (99, "de")
    assert again.ticket == await storage.tickets.get(first.id)


@pytest.mark.parametrize("since", ["added", "reopened"])
async def test_the_same_answer_to_a_customer_who_waits_again_is_another_one(storage: Storage, since: str) -> None:
    ticket = await file(storage, token=ORDER)
    for _ in range(2):
        await storage.tickets.answered(ticket.id, MODERATOR, "Please try again.")
    if since == "added":
        await storage.tickets.file(replace(new_ticket(token=ORDER), topic=Topic.NO_EMAIL))
    else:
        await storage.tickets.resolve(ticket.id, CUSTOMER, Resolution.CUSTOMER)
        await storage.tickets.reopen(ticket.id, COLLEAGUE)

    for _ in range(2):  # they press again
        answered = await storage.tickets.answered(ticket.id, MODERATOR, "Please try again.")

    assert not answered.waits
    assert [message.text for message in await storage.tickets.messages(ticket.id)] == ["Please try again."] * 2


@pytest.mark.parametrize("why", ["another last word", "days later"])
async def test_a_last_word_to_a_request_that_its_moderator_has_closed_already_is_refused(
    storage: Storage, url: str, why: str
) -> None:
    ticket = await file(storage)
    await storage.tickets.resolve(ticket.id, MODERATOR, Resolution.FIXED, answer="It works now.")
    if why == "days later":
        await execute(url, sa.update(MessageRow).values(at=utc_now() - timedelta(days=3)))
    last_word = "It works now." + "\n\nBye." * (why == "another last word")

    with pytest.raises(NotPossibleNow):
        await storage.tickets.resolve(ticket.id, MODERATOR, Resolution.FIXED, answer=last_word)

    assert [message.text for message in await storage.tickets.messages(ticket.id)] == ["It works now."]
