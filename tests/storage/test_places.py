"""What is encrypted is read in its own row only, and what earlier versions have written is bound to its row."""

from collections.abc import AsyncIterator
from contextlib import asynccontextmanager
from typing import Any

import pytest
import sqlalchemy as sa
from desk import Log
from storage.samples import (
    COLLEAGUE,
    CUSTOMER,
    ELSEWHERE,
    GUILD,
    KEY,
    MODERATOR,
    NEWER_KEY,
    STRANGER,
    connected,
    execute,
    file,
    settings,
)

from fileflare_bot.orders.diagnosis import Finding, Kind
from fileflare_bot.orders.reference import OrderReference
from fileflare_bot.storage import keys
from fileflare_bot.storage.encryption import Cipher, Unreadable
from fileflare_bot.storage.errors import NoSuchSavedOrder
from fileflare_bot.storage.keys import Keys
from fileflare_bot.storage.models import (
    CannedAnswerRow,
    ClaimRow,
    MessageRow,
    NoteRow,
    SavedOrderRow,
    TicketRow,
    VaultRow,
)
from fileflare_bot.storage.places import ENCRYPTED, VAULT
from fileflare_bot.storage.records import CannedAnswer, NewNote, Ticket
from fileflare_bot.storage.storage import Storage, open_storage

ORDER = OrderReference("feedfacecafe0123456789abcdef4242")
OTHER = OrderReference("0123456789abcdeffeedfacecafe2424")
CIPHER = Cipher([KEY])


async def write_everything(storage: Storage) -> Ticket:
    """Write a text into each encrypted column."""
    await storage.saved_orders.save(CUSTOMER, ORDER, "#1050 · The Book")
    await storage.saved_orders.save(STRANGER, OTHER, "#1051 · Another")
    await storage.claims.claim(GUILD, CUSTOMER, ORDER, "#1050 · The Book", accounts=2)
    await storage.guilds.add_canned_answer(GUILD, MODERATOR, CannedAnswer("hi", "Dear customer"))
    ticket = await file(storage, CUSTOMER, ORDER.token, "please help", findings=(Finding(Kind.USED_UP, "The Book"),))
    await storage.tickets.wrote_back(ticket.id, CUSTOMER, "hello?", NewNote("they write: hello?", "open"))
    await storage.tickets.answered(ticket.id, MODERATOR, "here you are")
    return await storage.tickets.get(ticket.id)


async def everything(storage: Storage, ticket: Ticket) -> list[Any]:
    """Read all of it."""
    return [
        await storage.tickets.get(ticket.id),
        await storage.tickets.messages(ticket.id),
        await storage.intents.notes(ticket.id),
        await storage.intents.answers(ticket.id),
        (await storage.guilds.load(GUILD)).canned_answers,
        await storage.claims.of_order(GUILD, ORDER),
        *[await storage.saved_orders.of_user(person) for person in (CUSTOMER, STRANGER)],
    ]


async def texts(url: str) -> list[tuple[Any, Any, str, list[Any]]]:
    """Return every encrypted text: its column's description, the key of its row, itself, and whose row it is."""
    async with connected(url) as connection:
        return [
            (kind, row[0], row[1], [*row[2:]]) for kind in ENCRYPTED for row in await connection.execute(kind.texts())
        ]


async def make_old(url: str) -> None:
    """Leave a database as an earlier version would have: nothing in it is bound."""
    for kind, key, text, owner in await texts(url):
        unbound = CIPHER.encrypt_unbound(CIPHER.decrypt(text, kind.place_for(owner)))
        row = sa.update(kind.column.class_).where(kind.key == key)
        await execute(url, row.values({kind.column.key: unbound}))


async def are_bound(url: str) -> list[bool]:
    found = []
    for kind, _, text, owner in await texts(url):
        try:
            CIPHER.decrypt(text, kind.place_for(owner))
        except Unreadable:
            found.append(False)
        else:
            found.append(True)
    return found


@asynccontextmanager
async def opened(url: str, *keys: str) -> AsyncIterator[Storage]:
    async with open_storage(settings(url, keys=keys or (KEY,))) as storage:
        assert storage.available
        yield storage


async def test_a_saved_order_that_is_moved_to_another_user_cannot_be_read(storage: Storage, url: str) -> None:
    await write_everything(storage)
    (theirs,) = await storage.saved_orders.of_user(CUSTOMER)
    (mine,) = await storage.saved_orders.of_user(STRANGER)
    stolen = sa.select(SavedOrderRow.reference).where(SavedOrderRow.id == theirs.id).scalar_subquery()

    await execute(url, sa.update(SavedOrderRow).where(SavedOrderRow.id == mine.id).values(reference=stolen))
    with pytest.raises(NoSuchSavedOrder):
        await storage.saved_orders.get(STRANGER, mine.id)

    await execute(url, sa.update(SavedOrderRow).where(SavedOrderRow.id == theirs.id).values(user_id=STRANGER))
    with pytest.raises(NoSuchSavedOrder):
        await storage.saved_orders.get(STRANGER, theirs.id)
    assert ORDER.token not in str(await storage.personal_data.export(STRANGER))
    assert {order.label for order in await storage.saved_orders.of_user(STRANGER)} == {""}


async def test_an_order_id_is_not_read_as_a_label(storage: Storage, url: str) -> None:
    await write_everything(storage)

    await execute(url, sa.update(SavedOrderRow).values(label=SavedOrderRow.reference))

    assert {order.label for order in await storage.saved_orders.of_user(CUSTOMER)} == {""}


@pytest.mark.parametrize("column", [TicketRow.user_id, TicketRow.guild_id])
async def test_a_ticket_that_is_moved_shows_its_new_owner_nothing(
    storage: Storage,
    url: str,
    column: Any,  # noqa: ANN401 - a column
) -> None:
    ticket = await write_everything(storage)

    await execute(url, sa.update(TicketRow).values({column: ELSEWHERE if column is TicketRow.guild_id else STRANGER}))

    moved = await storage.tickets.get(ticket.id)
    assert (moved.readable, moved.details.reference) == (False, None)
    assert {message.text for message in await storage.tickets.messages(ticket.id)} == {""}
    assert {note.text for note in await storage.intents.notes(ticket.id)} == {"…"}
    assert {answer.text for answer in await storage.intents.answers(ticket.id)} == {"…"}


async def test_no_text_of_a_ticket_is_read_in_another_ticket(storage: Storage, url: str) -> None:
    theirs = await write_everything(storage)
    mine = await file(storage, STRANGER, OTHER.token)
    details = sa.select(TicketRow.details).where(TicketRow.id == theirs.id).scalar_subquery()

    await execute(url, sa.update(TicketRow).where(TicketRow.id == mine.id).values(details=details))
    await execute(url, sa.update(MessageRow).values(ticket_id=mine.id))
    await execute(url, sa.update(NoteRow).values(ticket_id=mine.id))

    assert not (await storage.tickets.get(mine.id)).readable
    assert {message.text for message in await storage.tickets.messages(mine.id)} == {""}
    assert {note.text for note in await storage.intents.notes(mine.id)} == {"…"}


async def test_no_label_of_a_claim_and_no_answer_is_read_elsewhere(storage: Storage, url: str) -> None:
    await write_everything(storage)

    await execute(url, sa.update(ClaimRow).values(user_id=STRANGER))
    await execute(url, sa.update(CannedAnswerRow).values(name="stolen"))

    assert [claim.label for claim in await storage.claims.of_user(GUILD, STRANGER)] == [""]
    async with opened(url) as again:
        assert (await again.guilds.load(GUILD)).canned_answers == (CannedAnswer("stolen", ""),)


async def test_a_claim_that_a_moderator_moves_keeps_its_label(storage: Storage) -> None:
    await write_everything(storage)
    (claim,) = await storage.claims.of_user(GUILD, CUSTOMER)

    await storage.claims.move(GUILD, claim.shown, MODERATOR, COLLEAGUE, lambda _claim: None)

    assert [moved.label for moved in await storage.claims.of_user(GUILD, COLLEAGUE)] == ["#1050 · The Book"]


@pytest.mark.parametrize("given", [(KEY,), (NEWER_KEY, KEY)], ids=["same key", "newer key"])
async def test_what_an_earlier_version_has_written_is_bound_at_the_start(
    url: str, log: Log, given: tuple[str, ...]
) -> None:
    async with opened(url) as storage:
        ticket = await write_everything(storage)
        before = await everything(storage, ticket)
    assert not log.events("secrets_bound")
    await make_old(url)
    assert not any(await are_bound(url))

    async with opened(url, *given) as storage:
        assert await everything(storage, ticket) == before
    async with opened(url, *given) as storage:
        assert await everything(storage, ticket) == before
        assert await storage.keys.renew() == 0

    assert [event["count"] for event in log.events("secrets_bound")] == [len(await texts(url))]
    if given == (KEY,):
        assert all(await are_bound(url))


async def test_after_that_nothing_unbound_is_read(url: str) -> None:
    async with opened(url) as storage:
        ticket = await write_everything(storage)
    await make_old(url)
    unbound = {(kind, key): text for kind, key, text, _ in await texts(url)}
    async with opened(url):
        pass
    for (kind, key), text in unbound.items():
        if kind is not VAULT:
            await execute(url, sa.update(kind.column.class_).where(kind.key == key).values({kind.column.key: text}))

    async with opened(url) as storage:
        assert not (await storage.tickets.get(ticket.id)).readable
        assert {message.text for message in await storage.tickets.messages(ticket.id)} == {""}
        assert [order.reference for order in await storage.saved_orders.of_user(CUSTOMER)] == [None]
        assert [claim.label for claim in await storage.claims.of_order(GUILD, ORDER)] == [""]
        assert (await storage.guilds.load(GUILD)).canned_answers == (CannedAnswer("hi", ""),)


@pytest.mark.parametrize("done", [0, 1, 4, 9])
async def test_a_start_that_is_broken_off_is_made_good_by_the_next_and_lets_nothing_be_moved_meanwhile(
    url: str, monkeypatch: pytest.MonkeyPatch, done: int
) -> None:
    async with opened(url) as storage:
        ticket = await write_everything(storage)
        before = await everything(storage, ticket)
    await make_old(url)
    in_batches, batches = Keys._renew, 0  # noqa: SLF001 - where a process may die

    async def dying(self: Keys, *given: Any, **more: Any) -> int:  # noqa: ANN401 - what it is given
        nonlocal batches
        if batches == done:
            raise RuntimeError
        batches += 1
        return await in_batches(self, *given, **more)

    monkeypatch.setattr(keys, "ROTATED_AT_ONCE", 1)
    monkeypatch.setattr(Keys, "_renew", dying)
    with pytest.raises(RuntimeError):
        async with opened(url):
            pass
    bound = await are_bound(url)
    assert sum(bound) == done
    monkeypatch.undo()
    moved = [text for (_, _, text, _), is_bound in zip(await texts(url), bound, strict=True) if is_bound]
    for number, text in enumerate(moved):  # into the vault, where a text of any kind could lie
        await execute(url, sa.insert(VaultRow).values(name=f"moved {number}", value=text))

    async with opened(url) as storage:
        assert await everything(storage, ticket) == before
    kept = {owner[0]: text for kind, _, text, owner in await texts(url) if kind is VAULT}
    for number, text in enumerate(moved):
        assert kept[f"moved {number}"] == text
        with pytest.raises(Unreadable):
            CIPHER.decrypt(text, VAULT.place_for([f"moved {number}"]))
