"""Help requests: filed, worked on, closed, looked up. Each change and its trace are one transaction."""

from collections.abc import Sequence
from dataclasses import replace
from datetime import timedelta
from typing import Final

import sqlalchemy as sa
from pydantic import TypeAdapter, ValidationError
from sqlalchemy.ext.asyncio import AsyncSession

from fileflare_bot.orders.diagnosis import Finding
from fileflare_bot.storage.clock import utc_now
from fileflare_bot.storage.database import Database, unit_of_work
from fileflare_bot.storage.encryption import Cipher, Unreadable
from fileflare_bot.storage.errors import AlreadyTaken, NoSuchRequest, NotPossibleNow, TooManyRequests
from fileflare_bot.storage.guilds import ensure_server, lock_server
from fileflare_bot.storage.models import ActionRow, MessageRow, RequestRow, ServerRow
from fileflare_bot.storage.records import (
    Action,
    Card,
    Details,
    Filed,
    HelpRequest,
    Message,
    NewRequest,
    RequestPage,
    Resolution,
    Topic,
)

REQUESTS_ON_A_PAGE: Final = 10
_DETAILS: Final = TypeAdapter(Details)


class Requests:
    """All help requests."""

    def __init__(self, database: Database, cipher: Cipher, *, open_per_person: int, a_day_per_person: int) -> None:
        self._database = database
        self._cipher = cipher
        self._open_per_person = open_per_person
        self._a_day_per_person = a_day_per_person

    @unit_of_work
    async def file(self, new: NewRequest, *, open_per_person: int | None = None) -> Filed:
        """File a request, or add its words to the open one that this person has about the same order.

        ``open_per_person`` is the server's own limit, where it has one.

        Raises:
            TooManyRequests: the person has asked enough for now.
        """
        reference = new.details.reference
        order_hash = "" if reference is None else self._cipher.hash(reference.token)
        async with self._database.writing() as session:
            await ensure_server(session, new.guild_id)
            await lock_server(session, new.guild_id)
            theirs = sa.select(RequestRow).where(
                RequestRow.guild_id == new.guild_id, RequestRow.person_id == new.person_id
            )
            its_open = theirs.where(~RequestRow.resolved, RequestRow.order_hash == order_hash)
            row = await session.scalar(its_open)
            existing = row is not None
            if row is None:
                await self._admit(session, theirs, open_per_person or self._open_per_person)
                row = RequestRow(
                    guild_id=new.guild_id,
                    number=await _next_number(session, new.guild_id),
                    person_id=new.person_id,
                    channel_id=new.channel_id,
                    locale=new.locale,
                    topic=new.topic,
                    kinds=_kinds(new.details.findings),
                    order_hash=order_hash,
                    details=self._sealed(new.details),
                    resolved=False,
                    created_at=utc_now(),
                )
                session.add(row)
                await session.flush()
                _trace(session, row, new.person_id, Action.FILED)
            elif new.details.words:
                self._say(session, row, new.person_id, new.details.words, from_moderator=False)
            return Filed(self._record(row), existing)

    @unit_of_work
    async def get(self, request_id: int) -> HelpRequest:
        """Return a request as it is now.

        Raises:
            NoSuchRequest: there is none.
        """
        async with self._database.reading() as session:
            return self._record(await _row(session, request_id))

    @unit_of_work
    async def take(self, request_id: int, moderator_id: int) -> HelpRequest:
        """Take a request that nobody works on; exactly one of those who try it at once succeeds.

        Raises:
            AlreadyTaken: somebody else has it.
            NotPossibleNow: it is resolved.
        """
        async with self._database.writing() as session:
            free = RequestRow.taken_by.is_(None), ~RequestRow.resolved, RequestRow.id == request_id
            taken = await session.scalar(
                sa.update(RequestRow).where(*free).values(taken_by=moderator_id).returning(RequestRow.id)
            )
            row = await _row(session, request_id)
            if taken is None:
                raise NotPossibleNow if row.resolved else AlreadyTaken(row.taken_by or 0)
            _trace(session, row, moderator_id, Action.TOOK)
            return self._record(row)

    @unit_of_work
    async def hand_over(self, request_id: int, moderator_id: int, to: int) -> HelpRequest:
        """Give a request to another moderator, whoever has it.

        Raises:
            NotPossibleNow: it is resolved.
        """
        async with self._database.writing() as session:
            row = await _locked(session, request_id)
            _must_be_open(row)
            row.taken_by = to
            _trace(session, row, moderator_id, Action.HANDED_OVER)
            return self._record(row)

    @unit_of_work
    async def checked(
        self, request_id: int, moderator_id: int, order_number: str, findings: tuple[Finding, ...]
    ) -> HelpRequest:
        """Put what an order shows now in the place of what it showed."""
        async with self._database.writing() as session:
            row = await _locked(session, request_id)
            details = self._record(row).details
            row.details = self._sealed(replace(details, order_number=order_number, findings=findings))
            row.kinds = _kinds(findings)
            _trace(session, row, moderator_id, Action.CHECKED)
            return self._record(row)

    @unit_of_work
    async def answered(self, request_id: int, moderator_id: int, text: str) -> HelpRequest:
        """Keep a moderator's answer; who answers a request that nobody has, has it."""
        async with self._database.writing() as session:
            row = await _locked(session, request_id)
            row.answered_at = row.answered_at or utc_now()
            if row.taken_by is None and not row.resolved:
                row.taken_by = moderator_id
            self._say(session, row, moderator_id, text, from_moderator=True)
            return self._record(row)

    @unit_of_work
    async def wrote_back(self, request_id: int, person_id: int, text: str) -> HelpRequest:
        """Keep what the customer wrote; a request that was resolved is open again.

        Raises:
            NoSuchRequest: it is not theirs.
            TooManyRequests: they have asked enough for now.
        """
        async with self._database.writing() as session:
            row = await _locked(session, request_id)
            if row.person_id != person_id:
                raise NoSuchRequest
            day = MessageRow.author_id == person_id, MessageRow.at > utc_now() - timedelta(days=1)
            written = await session.scalar(sa.select(sa.func.count()).select_from(MessageRow).where(*day))
            if (written or 0) >= 10 * self._a_day_per_person:
                raise TooManyRequests
            if row.resolved:
                await self._open_again(session, row)
                _trace(session, row, person_id, Action.REOPENED)
            self._say(session, row, person_id, text, from_moderator=False)
            return self._record(row)

    @unit_of_work
    async def resolve(self, request_id: int, actor_id: int, resolution: Resolution) -> HelpRequest:
        """Close a request.

        Raises:
            NotPossibleNow: it is closed.
        """
        async with self._database.writing() as session:
            row = await _locked(session, request_id)
            _must_be_open(row)
            row.resolved, row.resolution = True, resolution
            row.resolved_by, row.resolved_at = actor_id, utc_now()
            _trace(session, row, actor_id, Action.RESOLVED)
            return self._record(row)

    @unit_of_work
    async def reopen(self, request_id: int, actor_id: int) -> HelpRequest:
        """Open a closed request again.

        Raises:
            NotPossibleNow: it is open, or the person has another open one about the same order.
        """
        async with self._database.writing() as session:
            row = await _locked(session, request_id)
            if not row.resolved:
                raise NotPossibleNow
            await self._open_again(session, row)
            _trace(session, row, actor_id, Action.REOPENED)
            return self._record(row)

    @unit_of_work
    async def set_card(self, request_id: int, card: Card) -> HelpRequest:
        """Keep where a request is shown now."""
        async with self._database.writing() as session:
            row = await _locked(session, request_id)
            row.card_channel_id, row.card_message_id, row.thread_id = card.channel_id, card.message_id, card.thread_id
            return self._record(row)

    @unit_of_work
    async def messages(self, request_id: int) -> list[Message]:
        """Return what was written in a request, oldest first."""
        query = sa.select(MessageRow).where(MessageRow.request_id == request_id).order_by(MessageRow.id)
        async with self._database.reading() as session:
            return [self.message(row) for row in await session.scalars(query)]

    @unit_of_work
    async def page(
        self, guild_id: int, number: int, *, taken_by: int | None = None, person_id: int | None = None
    ) -> RequestPage:
        """Return a page of a server's open requests, oldest first: all, or those that one moderator has taken.

        With ``person_id`` it is of that person's requests, open and resolved, newest first.
        """
        wanted = [RequestRow.guild_id == guild_id]
        order: sa.ColumnElement[int] | sa.UnaryExpression[int] = RequestRow.id.asc()
        if person_id is not None:
            wanted.append(RequestRow.person_id == person_id)
            order = RequestRow.id.desc()
        else:
            wanted.append(~RequestRow.resolved)
        if taken_by is not None:
            wanted.append(RequestRow.taken_by == taken_by)
        async with self._database.reading() as session:
            total = await session.scalar(sa.select(sa.func.count()).select_from(RequestRow).where(*wanted)) or 0
            of = max(1, -(-total // REQUESTS_ON_A_PAGE))
            number = min(max(number, 1), of)
            query = sa.select(RequestRow).where(*wanted).order_by(order)
            query = query.offset((number - 1) * REQUESTS_ON_A_PAGE).limit(REQUESTS_ON_A_PAGE)
            rows = (await session.scalars(query)).all()
        return RequestPage(tuple(self._record(row) for row in rows), number, of, total)

    @unit_of_work
    async def unposted(self, guild_ids: Sequence[int]) -> list[HelpRequest]:
        """Return the day's open requests of these servers that never had a card, as after a sudden end."""
        never = RequestRow.card_message_id.is_(None), RequestRow.thread_id.is_(None)
        lately = RequestRow.created_at > utc_now() - timedelta(days=1)
        wanted = ~RequestRow.resolved, *never, lately, RequestRow.guild_id.in_(guild_ids)
        async with self._database.reading() as session:
            return [self._record(row) for row in await session.scalars(sa.select(RequestRow).where(*wanted))]

    def message(self, row: MessageRow) -> Message:
        """Return a row's record; a text that no key opens any more is empty."""
        try:
            text = self._cipher.decrypt(row.text)
        except Unreadable:
            text = ""
        return Message(row.author_id, row.from_moderator, text, row.at)

    async def _admit(self, session: AsyncSession, theirs: sa.Select[RequestRow], most_open: int) -> None:
        rows = (await session.scalars(theirs.where(~RequestRow.resolved))).all()
        lately = theirs.where(RequestRow.created_at > utc_now() - timedelta(days=1))
        filed = (await session.scalars(lately)).all()
        if len(rows) >= most_open or len(filed) >= self._a_day_per_person:
            raise TooManyRequests

    async def _open_again(self, session: AsyncSession, row: RequestRow) -> None:
        another = sa.select(RequestRow.id).where(
            RequestRow.guild_id == row.guild_id,
            RequestRow.person_id == row.person_id,
            RequestRow.order_hash == row.order_hash,
            ~RequestRow.resolved,
        )
        if await session.scalar(another) is not None:
            raise NotPossibleNow
        row.resolved, row.resolution, row.resolved_by, row.resolved_at = False, None, None, None

    def _say(self, session: AsyncSession, row: RequestRow, author_id: int, text: str, *, from_moderator: bool) -> None:
        session.add(
            MessageRow(
                request_id=row.id,
                author_id=author_id,
                from_moderator=from_moderator,
                text=self._cipher.encrypt(text),
                at=utc_now(),
            )
        )
        _trace(session, row, author_id, Action.ANSWERED if from_moderator else Action.WROTE_BACK)

    def _sealed(self, details: Details) -> str:
        return self._cipher.encrypt(_DETAILS.dump_json(details).decode())

    def _record(self, row: RequestRow) -> HelpRequest:
        return request_record(row, self._cipher)


def request_record(row: RequestRow, cipher: Cipher) -> HelpRequest:
    """Return a row's record."""
    try:
        details, readable = _DETAILS.validate_json(cipher.decrypt(row.details)), True
    except (Unreadable, ValidationError):  # no key opens them, or a newer version of the bot wrote them
        details, readable = Details(), False
    return HelpRequest(
        id=row.id,
        guild_id=row.guild_id,
        number=row.number,
        person_id=row.person_id,
        channel_id=row.channel_id,
        locale=row.locale,
        topic=Topic(row.topic),
        details=details,
        readable=readable,
        resolved=row.resolved,
        resolution=Resolution(row.resolution) if row.resolution else None,
        resolved_by=row.resolved_by,
        taken_by=row.taken_by,
        created_at=row.created_at,
        answered_at=row.answered_at,
        resolved_at=row.resolved_at,
        card=Card(row.card_channel_id, row.card_message_id, row.thread_id),
    )


async def _next_number(session: AsyncSession, guild_id: int) -> int:
    """Take the next number of a server, whose row is locked."""
    its = sa.update(ServerRow).where(ServerRow.guild_id == guild_id)
    after: int | None = await session.scalar(
        its.values(next_number=ServerRow.next_number + 1).returning(ServerRow.next_number)
    )
    assert after is not None  # noqa: S101 - the row is there
    return after - 1


async def _row(session: AsyncSession, request_id: int) -> RequestRow:
    row = await session.get(RequestRow, request_id)
    if row is None:
        raise NoSuchRequest
    return row


async def _locked(session: AsyncSession, request_id: int) -> RequestRow:
    """Return the row, locked until the transaction ends, after its server's, which filing locks first."""
    await lock_server(session, sa.select(RequestRow.guild_id).where(RequestRow.id == request_id))
    row = await session.get(RequestRow, request_id, with_for_update=True)
    if row is None:
        raise NoSuchRequest
    return row


def _must_be_open(row: RequestRow) -> None:
    if row.resolved:
        raise NotPossibleNow


def _kinds(findings: tuple[Finding, ...]) -> list[str]:
    return list(dict.fromkeys(finding.kind.value for finding in findings))


def _trace(session: AsyncSession, row: RequestRow, actor_id: int, action: Action) -> None:
    session.add(ActionRow(guild_id=row.guild_id, number=row.number, actor_id=actor_id, action=action, at=utc_now()))
