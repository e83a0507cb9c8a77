"""What is done with stored things besides working on them: counted, shown to whom they concern, deleted, rotated."""

import os
from collections import Counter
from collections.abc import Iterable
from datetime import datetime, timedelta
from statistics import median
from typing import Any, Final

import sqlalchemy as sa

from fileflare_bot.storage.clock import utc_now
from fileflare_bot.storage.database import Database, unit_of_work
from fileflare_bot.storage.encryption import Cipher
from fileflare_bot.storage.guilds import insert
from fileflare_bot.storage.models import (
    ActionRow,
    ClaimRow,
    MessageRow,
    ProductRow,
    RequestRow,
    SavedAnswerRow,
    SavedOrderRow,
    ServerRow,
    VaultRow,
)
from fileflare_bot.storage.records import Action, HelpRequest, Statistics, Trace
from fileflare_bot.storage.tickets import Requests, request_record

COMMONEST: Final = 5
_HASH_KEY: Final = "hash_key"
_ENCRYPTED: Final = (
    (RequestRow.id, RequestRow.details),
    (MessageRow.id, MessageRow.text),
    (SavedAnswerRow.id, SavedAnswerRow.text),
    (ClaimRow.id, ClaimRow.label),
    (SavedOrderRow.id, SavedOrderRow.label),
    (SavedOrderRow.id, SavedOrderRow.reference),
    (VaultRow.name, VaultRow.value),
)


class Upkeep:
    """Looks after all that is stored."""

    def __init__(self, database: Database, cipher: Cipher, requests: Requests) -> None:
        self._database = database
        self._cipher = cipher
        self._requests = requests

    @unit_of_work
    async def note(self, guild_id: int, actor_id: int, action: Action) -> None:
        """Keep an action that is about no help request."""
        async with self._database.writing() as session:
            session.add(ActionRow(guild_id=guild_id, actor_id=actor_id, action=action, at=utc_now()))

    @unit_of_work
    async def actions(self, guild_id: int, number: int | None = None) -> list[Trace]:
        """Return a server's actions on record, or those about one of its requests, oldest first."""
        wanted = [ActionRow.guild_id == guild_id]
        if number is not None:
            wanted.append(ActionRow.number == number)
        async with self._database.reading() as session:
            rows = await session.scalars(sa.select(ActionRow).where(*wanted).order_by(ActionRow.id))
            return [_trace(row) for row in rows]

    @unit_of_work
    async def statistics(self, guild_id: int, days: int) -> Statistics:
        """Return a server's figures for the requests filed in the last ``days``; ``open`` counts all that are open."""
        lately = RequestRow.guild_id == guild_id, RequestRow.created_at > utc_now() - timedelta(days=days)
        still_open = RequestRow.guild_id == guild_id, ~RequestRow.resolved
        columns = RequestRow.created_at, RequestRow.answered_at, RequestRow.resolved_at, RequestRow.kinds
        async with self._database.reading() as session:
            rows = (await session.execute(sa.select(*columns).where(*lately))).all()
            open_now = await session.scalar(sa.select(sa.func.count()).select_from(RequestRow).where(*still_open))
        kinds = Counter(kind for row in rows for kind in row.kinds)
        return Statistics(
            days=days,
            filed=len(rows),
            open=open_now or 0,
            to_first_answer=_median((row.created_at, row.answered_at) for row in rows),
            to_resolution=_median((row.created_at, row.resolved_at) for row in rows),
            commonest=tuple(kinds.most_common(COMMONEST)),
        )

    @unit_of_work
    async def of_person(self, person_id: int) -> tuple[list[HelpRequest], list[Trace]]:
        """Return a person's help requests, and what they did, in all servers."""
        async with self._database.reading() as session:
            rows = (
                await session.scalars(
                    sa.select(RequestRow).where(RequestRow.person_id == person_id).order_by(RequestRow.id)
                )
            ).all()
            actions = await session.scalars(
                sa.select(ActionRow).where(ActionRow.actor_id == person_id).order_by(ActionRow.id)
            )
            return [request_record(row, self._cipher) for row in rows], [_trace(row) for row in actions]

    @unit_of_work
    async def counts(self, person_id: int) -> tuple[int, int]:
        """Return how many orders are saved for a person, and how many count for them in servers."""
        async with self._database.reading() as session:
            saved, counted = [
                await session.scalar(sa.select(sa.func.count()).select_from(table).where(table.person_id == person_id))
                for table in (SavedOrderRow, ClaimRow)
            ]
        return saved or 0, counted or 0

    @unit_of_work
    async def export(self, person_id: int) -> dict[str, Any]:
        """Return all that is stored about a person, ready for JSON. An order's ID is theirs, so it is in it."""
        requests, actions = await self.of_person(person_id)
        async with self._database.reading() as session:
            saved = await session.scalars(sa.select(SavedOrderRow).where(SavedOrderRow.person_id == person_id))
            orders = [(self._cipher.decrypt(row.label), self._cipher.decrypt(row.reference)) for row in saved]
            claims = (await session.scalars(sa.select(ClaimRow).where(ClaimRow.person_id == person_id))).all()
        return {
            "person": str(person_id),
            "saved_orders": [{"name": label, "order_id": token} for label, token in orders],
            "orders_that_count": [
                {"server": str(row.guild_id), "roles": [str(role) for role in row.role_ids]} for row in claims
            ],
            "help_requests": [
                {
                    "server": str(request.guild_id),
                    "number": request.number,
                    "topic": request.topic,
                    "order_number": request.details.order_number,
                    "order_id": request.details.reference.token if request.details.reference else None,
                    "findings": [finding.kind for finding in request.details.findings],
                    "name": request.details.name,
                    "words": request.details.words,
                    "language": request.locale,
                    "filed": request.created_at.isoformat(),
                    "resolved": request.resolved_at.isoformat() if request.resolved_at else None,
                    "messages": [
                        {
                            "from": "moderator" if message.from_moderator else "you",
                            "text": message.text,
                            "at": message.at.isoformat(),
                        }
                        for message in await self._requests.messages(request.id)
                    ],
                }
                for request in requests
            ],
            "actions": [
                {
                    "server": str(action.guild_id),
                    "request": action.number,
                    "action": action.action,
                    "at": action.at.isoformat(),
                }
                for action in actions
            ],
        }

    @unit_of_work
    async def forget_person(self, person_id: int) -> list[HelpRequest]:
        """Delete a person's saved orders, and their help requests with all that was written; return the requests."""
        async with self._database.writing() as session:
            await session.execute(sa.delete(SavedOrderRow).where(SavedOrderRow.person_id == person_id))
            theirs = RequestRow.person_id == person_id
            rows = (await session.scalars(sa.select(RequestRow).where(theirs))).all()
            records = [request_record(row, self._cipher) for row in rows]
            for row in rows:
                await session.delete(row)
            customers = Action.FILED, Action.WROTE_BACK
            await session.execute(
                sa.delete(ActionRow).where(ActionRow.actor_id == person_id, ActionRow.action.in_(customers))
            )
            for record in records:  # resolved or reopened by themselves
                await session.execute(
                    sa.delete(ActionRow).where(
                        ActionRow.actor_id == person_id,
                        ActionRow.guild_id == record.guild_id,
                        ActionRow.number == record.number,
                    )
                )
        return records

    @unit_of_work
    async def prune(self, days: int) -> int:
        """Delete requests resolved more than ``days`` ago, and actions as old; return how many requests."""
        before = utc_now() - timedelta(days=days)
        async with self._database.writing() as session:
            old = sa.delete(RequestRow).where(RequestRow.resolved_at < before).returning(RequestRow.id)
            gone = (await session.scalars(old)).all()
            still = sa.select(RequestRow.number).where(RequestRow.guild_id == ActionRow.guild_id)
            await session.execute(
                sa.delete(ActionRow)
                .where(ActionRow.at < before, ActionRow.number.is_(None) | ActionRow.number.not_in(still))
                .execution_options(synchronize_session=False)
            )
        return len(gone)

    @unit_of_work
    async def forget_left(self, days: int) -> int:
        """Delete all data of servers that the bot left more than ``days`` ago; return how many servers."""
        before = utc_now() - timedelta(days=days)
        async with self._database.writing() as session:
            gone = (await session.scalars(sa.select(ServerRow.guild_id).where(ServerRow.left_at < before))).all()
            for table in (RequestRow, ActionRow, ClaimRow, ProductRow, SavedAnswerRow, ServerRow):
                await session.execute(
                    sa.delete(table).where(table.guild_id.in_(gone)).execution_options(synchronize_session=False)
                )
        return len(gone)

    @unit_of_work
    async def read_hash_key(self) -> None:
        """Read the key of the hashes, which the first process of the bot makes."""
        made = self._cipher.encrypt(os.urandom(32).hex())
        async with self._database.writing() as session:
            await session.execute(insert(session)(VaultRow).values(name=_HASH_KEY, value=made).on_conflict_do_nothing())
            stored = await session.scalar(sa.select(VaultRow.value).where(VaultRow.name == _HASH_KEY))
        self._cipher.hash_key = bytes.fromhex(self._cipher.decrypt(stored or ""))

    @unit_of_work
    async def rotate(self) -> int:
        """Encrypt everything with the newest key; return how many texts had an older one."""
        changed = 0
        async with self._database.writing() as session:
            for key, column in _ENCRYPTED:
                for row_id, text in (await session.execute(sa.select(key, column))).all():
                    rotated = self._cipher.rotated(text)
                    if rotated is not None:
                        unchanged = key == row_id, column == text  # another process may have written meanwhile
                        update = sa.update(column.class_).where(*unchanged).values({column.key: rotated})
                        changed += len((await session.scalars(update.returning(key))).all())
        return changed


def _median(times: Iterable[tuple[datetime, datetime | None]]) -> float | None:
    seconds = [(end - start).total_seconds() for start, end in times if end is not None]
    return median(seconds) if seconds else None


def _trace(row: ActionRow) -> Trace:
    return Trace(row.guild_id, row.number, row.actor_id, Action(row.action), row.at)
