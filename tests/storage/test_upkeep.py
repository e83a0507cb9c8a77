"""Statistics, a person's export and deletion, and retention."""

import json
from datetime import UTC, datetime, timedelta

import pytest
import sqlalchemy as sa
from databases import audit_entries
from desk import Log
from storage.samples import (
    COLLEAGUE,
    CUSTOMER,
    ELSEWHERE,
    GUILD,
    MODERATOR,
    STRANGER,
    connected,
    execute,
    file,
    statements,
)

from fileflare_bot.orders.diagnosis import Finding, Kind
from fileflare_bot.orders.reference import OrderReference
from fileflare_bot.storage import retention
from fileflare_bot.storage.database import utc_now
from fileflare_bot.storage.errors import NoSuchTicket, StorageUnavailable
from fileflare_bot.storage.models import AuditRow, MessageRow, TicketRow
from fileflare_bot.storage.records import Action, Card, Resolution, Statistics, Ticket
from fileflare_bot.storage.storage import Storage

ORDER = "an-order-of-the-test"


async def dated(
    storage: Storage,
    url: str,
    person: int,
    *,
    days: float,
    answered: int | None = None,
    resolved: int | None = None,
    last_word: str | None = None,
) -> Ticket:
    """File a ticket some days ago that was answered and resolved after so many seconds."""
    ticket = await file(storage, person)
    if resolved is not None:
        await storage.tickets.resolve(ticket.id, MODERATOR, Resolution.FIXED, answer=last_word)
    filed = utc_now() - timedelta(days=days)
    after = {"answered_at": answered, "resolved_at": resolved}
    times = {name: filed + timedelta(seconds=seconds) for name, seconds in after.items() if seconds is not None}
    its = sa.update(TicketRow).where(TicketRow.id == ticket.id)
    await execute(url, its.values(created_at=filed, **times))
    return ticket


async def count(url: str, table: type[TicketRow | MessageRow | AuditRow]) -> int:
    async with connected(url) as connection:
        return await connection.scalar(sa.select(sa.func.count()).select_from(table)) or 0


async def test_without_requests_there_is_nothing_to_measure(storage: Storage) -> None:
    assert await storage.figures.of_guild(GUILD, 30) == Statistics(30, 0, 0, None, None, ())


async def test_times_are_medians_and_old_requests_count_only_as_open(storage: Storage, url: str) -> None:
    for person, answered, resolved in ((1, 10, 100), (2, 20, 300), (3, 90, None), (4, None, 5000)):
        await dated(storage, url, person, days=6.9, answered=answered, resolved=resolved)
    await dated(storage, url, 5, days=7.1, answered=100_000, resolved=100_000)
    await dated(storage, url, 6, days=7.1)
    await file(storage, 7)
    await file(storage, 8, guild_id=ELSEWHERE)

    assert await storage.figures.of_guild(GUILD, 7) == Statistics(7, 5, 3, 20.0, 300.0, ())
    assert (await storage.figures.of_guild(GUILD, 8)).filed == 7
    assert (await storage.figures.of_guild(GUILD, 8)).to_first_answer == 55.0


async def test_the_five_commonest_kinds_are_counted_once_a_request(storage: Storage) -> None:
    kinds = [Kind.USED_UP, Kind.OUTAGE, Kind.LAST_ONE, Kind.NOT_FOUND, Kind.EXTERNAL_LINK, Kind.MORE_CLICKS]
    for person in range(1, 7):
        findings = [Finding(kind, f"{copy}.zip") for kind in kinds[:person] for copy in range(3)]
        await file(storage, person, findings=tuple(findings))

    commonest = (await storage.figures.of_guild(GUILD, 1)).commonest

    assert commonest == tuple(zip(kinds[:5], (6, 5, 4, 3, 2), strict=True))


async def test_requests_that_were_resolved_long_ago_are_deleted_with_their_messages(storage: Storage, url: str) -> None:
    old = await dated(storage, url, 1, days=91, resolved=60, last_word="done")
    await storage.intents.card_shown(old, Card(1, 2, 2), old.version)
    young = await dated(storage, url, 2, days=89, resolved=60, last_word="done")
    resolved_late = await dated(storage, url, 3, days=400, resolved=86_400 * 390)
    still_open = await dated(storage, url, 4, days=400)
    await storage.tickets.wrote_back(still_open.id, 4, "hello?")

    assert await storage.retention.delete_resolved(90) == 1

    with pytest.raises(NoSuchTicket):
        await storage.tickets.get(old.id)
    for ticket in (young, resolved_late, still_open):
        assert (await storage.tickets.get(ticket.id)).number == ticket.number
    assert await count(url, MessageRow) == 2
    assert await storage.tickets.messages(young.id)
    assert {(gone.channel_id, gone.message_id) for gone in await storage.intents.due_removals()} == {(2, None), (1, 2)}
    assert await storage.retention.delete_resolved(90) == 0
    assert (await file(storage, 5)).number == 5


async def test_old_audit_entries_are_deleted_unless_their_request_is_still_there(storage: Storage, url: str) -> None:
    await dated(storage, url, 1, days=91, resolved=60)
    still_open = await dated(storage, url, 2, days=91)
    await storage.audit.record(GUILD, MODERATOR, Action.LOOKED_UP)
    await file(storage, 3, guild_id=ELSEWHERE)  # also number 1, which is gone in the other server
    await execute(url, sa.update(AuditRow).values(at=utc_now() - timedelta(days=91)))
    await storage.audit.record(GUILD, COLLEAGUE, Action.LOOKED_UP)

    await storage.retention.delete_resolved(90)

    traces = await audit_entries(storage, GUILD)
    assert [(trace.number, trace.actor_id, trace.action) for trace in traces] == [
        (still_open.number, 2, Action.FILED),
        (None, COLLEAGUE, Action.LOOKED_UP),
    ]
    assert [trace.number for trace in await audit_entries(storage, ELSEWHERE)] == [1]


async def test_more_old_audit_entries_than_go_at_once_are_all_deleted(
    storage: Storage, monkeypatch: pytest.MonkeyPatch, url: str
) -> None:
    monkeypatch.setattr(retention, "ENTRIES_AT_ONCE", 2)
    await dated(storage, url, 1, days=91)
    for _ in range(5):
        await storage.audit.record(GUILD, MODERATOR, Action.LOOKED_UP)
    await execute(url, sa.update(AuditRow).values(at=utc_now() - timedelta(days=91)))

    with statements(storage) as asked:
        await storage.retention.delete_resolved(90)

    assert [trace.action for trace in await audit_entries(storage, GUILD)] == [Action.FILED]
    assert len([each for each, _ in asked if each.startswith("DELETE FROM actions")]) == 4


async def test_a_prune_that_fails_keeps_nothing_else_of_the_upkeep_from_running(
    storage: Storage, monkeypatch: pytest.MonkeyPatch
) -> None:
    async def too_slow(_days: int) -> int:
        raise StorageUnavailable

    monkeypatch.setattr(storage.retention, "delete_resolved", too_slow)

    assert not await storage.tend()
    assert await storage.tend()
    assert storage.available


async def test_tending_prunes_what_is_older_than_the_setting_says(storage: Storage, url: str, log: Log) -> None:
    await dated(storage, url, 1, days=91, resolved=60)

    await storage.tend()
    await dated(storage, url, 2, days=91, resolved=60)
    await storage.tend()

    assert [event["count"] for event in log.events("requests_pruned")] == [1]
    assert await count(url, TicketRow) == 1


async def test_the_claims_of_a_server_that_was_left_are_deleted_and_those_of_other_servers_stay(
    storage: Storage,
) -> None:
    order = OrderReference(ORDER)
    never_left = ELSEWHERE + 1
    for guild in (GUILD, ELSEWHERE, never_left):
        await storage.claims.claim(guild, CUSTOMER, order, "#1", accounts=1)
    await storage.guilds.left(GUILD, at=utc_now() - timedelta(days=31))
    await storage.guilds.left(ELSEWHERE, at=utc_now() - timedelta(days=29))

    assert await storage.retention.delete_left_guilds(30) == [GUILD]

    assert await storage.claims.of_order(GUILD, order) == []
    assert [claim.guild_id for claim in await storage.claims.of_user(None, CUSTOMER)] == [never_left, ELSEWHERE]
    assert await storage.claims.claim(GUILD, STRANGER, order, "#1", accounts=1) is not None


async def test_an_audit_entry_without_a_request_is_kept(storage: Storage) -> None:
    await storage.audit.record(GUILD, MODERATOR, Action.DELETED_MESSAGE)

    (trace,) = await audit_entries(storage, GUILD)

    assert (trace.guild_id, trace.number, trace.actor_id, trace.action) == (
        GUILD,
        None,
        MODERATOR,
        Action.DELETED_MESSAGE,
    )
    assert trace.at.tzinfo is UTC
    assert timedelta(0) <= utc_now() - trace.at < timedelta(minutes=1)


async def test_an_export_holds_all_of_a_person_and_nothing_of_another(storage: Storage) -> None:
    findings = (Finding(Kind.USED_UP, "a.zip", 3, 3),)
    given = {"words": "it fails", "findings": findings, "order_number": "#1", "name": "Zoë"}
    ticket = await file(storage, CUSTOMER, ORDER, **given)
    await storage.tickets.answered(ticket.id, MODERATOR, "try this")
    await storage.tickets.wrote_back(ticket.id, CUSTOMER, "thank you")
    await storage.tickets.resolve(ticket.id, CUSTOMER, Resolution.CUSTOMER)
    await file(storage, CUSTOMER, guild_id=ELSEWHERE)
    await file(storage, STRANGER, ORDER, words="a stranger's words")

    exported = await storage.personal_data.export(CUSTOMER)

    assert json.loads(json.dumps(exported)) == exported
    assert "stranger" not in json.dumps(exported)
    assert exported["user_id"] == CUSTOMER
    here, elsewhere = exported["help_requests"]
    filed, details = here["ticket"], here["ticket"]["details"]
    assert (filed["guild_id"], filed["number"], filed["topic"]) == (GUILD, 1, "download_fails")
    assert (details["order_number"], details["reference"]) == ("#1", {"token": ORDER})
    assert [finding["kind"] for finding in details["findings"]] == ["used_up"]
    assert (details["name"], details["words"], filed["locale"]) == ("Zoë", "it fails", "en")
    assert [(message["from_moderator"], message["text"]) for message in here["messages"]] == [
        (True, "try this"),
        (False, "thank you"),
    ]
    assert str(MODERATOR) not in json.dumps(exported)
    for time in (filed["created_at"], filed["resolved_at"], *(message["at"] for message in here["messages"])):
        assert datetime.fromisoformat(time).tzinfo is not None
    assert elsewhere["ticket"]["guild_id"] == ELSEWHERE
    assert (elsewhere["ticket"]["details"]["reference"], elsewhere["ticket"]["resolved_at"]) == (None, None)
    assert [(action["guild_id"], action["number"], action["action"]) for action in exported["actions"]] == [
        (GUILD, 1, "filed"),
        (GUILD, 1, "wrote_back"),
        (GUILD, 1, "resolved"),
        (ELSEWHERE, 1, "filed"),
    ]


async def test_a_person_without_stored_data_gets_an_empty_export(storage: Storage) -> None:
    await file(storage, STRANGER)

    exported = await storage.personal_data.export(CUSTOMER)
    assert exported.pop("user_id") == CUSTOMER
    assert not any(exported.values())


async def test_forgetting_a_person_deletes_everything_of_theirs_and_nothing_of_others(
    storage: Storage, url: str
) -> None:
    theirs = await file(storage, CUSTOMER, ORDER, words="it fails")
    await storage.tickets.answered(theirs.id, MODERATOR, "try this")
    await storage.tickets.wrote_back(theirs.id, CUSTOMER, "thank you")
    await storage.tickets.resolve(theirs.id, CUSTOMER, Resolution.CUSTOMER)
    await file(storage, CUSTOMER, guild_id=ELSEWHERE)
    others = await file(storage, STRANGER, ORDER, words="not theirs")
    await storage.tickets.wrote_back(others.id, STRANGER, "nor this")

    tickets = (await storage.personal_data.of_user(CUSTOMER)).tickets
    assert [(ticket.guild_id, ticket.number) for ticket in tickets] == [(GUILD, 1), (ELSEWHERE, 1)]
    assert tickets[0].details.words == "it fails"

    await storage.personal_data.forget(CUSTOMER)

    exported = await storage.personal_data.export(CUSTOMER)
    assert exported.pop("user_id") == CUSTOMER
    assert not any(exported.values())
    assert await storage.tickets.get(others.id) == others
    assert [message.text for message in await storage.tickets.messages(others.id)] == ["nor this"]
    assert await count(url, MessageRow) == 1
    left = {(trace.actor_id, trace.action) for trace in await audit_entries(storage, GUILD)}
    assert left == {(MODERATOR, Action.ANSWERED), (STRANGER, Action.FILED), (STRANGER, Action.WROTE_BACK)}
    assert (await file(storage, CUSTOMER, ORDER)).number == 3


async def test_a_moderator_who_is_forgotten_as_a_customer_stays_on_record_for_what_they_did(storage: Storage) -> None:
    await file(storage, MODERATOR)
    customers = await file(storage, CUSTOMER)
    await storage.tickets.take(customers.id, MODERATOR)
    await storage.tickets.answered(customers.id, MODERATOR, "try this")

    await storage.personal_data.forget(MODERATOR)

    traces = await audit_entries(storage, GUILD)
    assert [(trace.actor_id, trace.action) for trace in traces] == [
        (CUSTOMER, Action.FILED),
        (MODERATOR, Action.TOOK),
        (MODERATOR, Action.ANSWERED),
    ]
    assert (await storage.tickets.get(customers.id)).taken_by == MODERATOR
