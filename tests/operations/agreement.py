"""What must hold after every operation, whatever failed: the database and Discord agree, and nothing is there twice."""

import re
from datetime import datetime, timedelta
from typing import Any

import sqlalchemy as sa
from operations.operations import LEAK
from shop import Shop
from simcord.backend.models import Message
from simcord.components import walk_components
from storage.samples import connected

from fileflare_bot.leak_guard import RULE_NAME
from fileflare_bot.storage import models
from fileflare_bot.storage.models import Base
from fileflare_bot.storage.records import Stage

Row = Any
RETRIED = [mapper.class_ for mapper in Base.registry.mappers if hasattr(mapper.class_, "retry_at")]


async def rows(url: str, table: type[Base], *wanted: sa.ColumnElement[bool]) -> list[Row]:
    """Return rows of a table."""
    async with connected(url) as connection:
        return list((await connection.execute(sa.select(*sa.inspect(table).columns).where(*wanted))).all())


async def unfinished(url: str) -> list[str]:
    """Return the tables in which something is still to be told to Discord; one statement sees all at one moment."""
    due = {table.__tablename__: sa.inspect(table).columns["retry_at"].is_not(None) for table in RETRIED}
    due["help_requests"] |= models.TicketRow.stage_ends_at.is_not(None)
    there = sa.union(*(sa.select(sa.literal(name)).where(wanted) for name, wanted in due.items()))
    async with connected(url) as connection:
        return sorted(await connection.scalars(there))


async def disagreements(shop: Shop, url: str) -> list[str]:
    """Return what differs between the database and Discord."""
    wrong = [f"unfinished: {table}" for table in await unfinished(url)]
    tickets = await rows(url, models.TicketRow, models.TicketRow.guild_id == shop.guild_id)
    messages = await rows(url, models.MessageRow)
    cards = [message for message in shop.messages(shop.support) if message.embeds and not message.reference]
    wrong += [f"{len(cards)} cards of {len(tickets)} tickets"] * (len(cards) != len(tickets))
    for ticket in tickets:
        mine = [card for card in cards if re.search(rf":{ticket.id}\b", _ids(card))]
        if len(mine) != 1:
            wrong.append(f"ticket {ticket.number} has {len(mine)} cards")
            continue
        wrong += _card(shop, ticket, mine[0], [message for message in messages if message.request_id == ticket.id])
    threads = [channel for channel in shop.discord.backend.channels.values() if channel.parent_id == shop.support]
    wrong += [f"{len(threads)} threads of {len(tickets)} tickets"] * (len(threads) != len(tickets))
    wrong += await _lines(shop, url)
    wrong += await _roles(shop, url)
    rules = [
        rule for rule in shop.discord.backend.guilds[shop.guild_id].auto_mod_rules.values() if rule.name == RULE_NAME
    ]
    (server,) = await rows(url, models.GuildRow, models.GuildRow.guild_id == shop.guild_id)
    wrong += [f"{len(rules)} rules of the leak guard"] * (len(rules) != int(bool(server.options.get("leak_guard"))))
    wrong += [fact for fact in facts(shop) if fact.endswith("panels") and fact not in {"0 panels", "1 panels"}]
    wanted = server.options.get("wording", {}).get("title") or "Your downloads"
    titles = [message.embeds[0]["title"] for message in _panels(shop)]
    wrong += [f"a panel shows {title}, not {wanted}" for title in titles if title != wanted]
    stored = await rows(url, models.PanelRow, models.PanelRow.guild_id == shop.guild_id)
    wrong += [f"{len(stored)} panels are known of {len(titles)}"] * (len(stored) != len(titles))
    return wrong


def facts(shop: Shop) -> list[str]:
    """Return what is in the channel."""
    panels = _panels(shop)
    leaks = [message for message in shop.messages(shop.channel) if message.content == LEAK]
    threads = [channel.id for channel in shop.discord.backend.channels.values() if channel.parent_id == shop.support]
    screenshots = sum(len(message.attachments) for thread in threads for message in shop.messages(thread))
    return [f"{len(panels)} panels", *["a leak is there"] * len(leaks), f"{screenshots} screenshots"]


def _panels(shop: Shop) -> list[Message]:
    return [
        message
        for message in shop.messages(shop.channel)
        if "downloads:ask" in _ids(message) and not message.flags  # a refusal has the button, too
    ]


def _card(shop: Shop, ticket: Row, card: Message, messages: list[Row]) -> list[str]:
    wrong = []
    mark = "🟢" if ticket.resolved else "🔵" if ticket.taken_by is not None else "🟠"
    if not str(card.embeds[0]["description"]).startswith(mark):
        wrong.append(f"the card shows {card.embeds[0]['description'][:30]}, not {mark}")
    thread = shop.discord.backend.channels.get(card.id)
    if thread is None or thread.thread_metadata is None:
        return [*wrong, "the card has no thread"]
    if (archived := thread.thread_metadata.archived) != ticket.resolved:
        wrong.append(f"the thread {card.id} is archived: {archived}, resolved: {ticket.resolved}")
    pictures = sum(len(message.attachments) for message in shop.messages(card.id))
    wrong += [f"{pictures} pictures are in one thread"] * (pictures > 1)
    notes = shop.notes(card)
    notes += [message.embeds[0]["description"] for message in shop.beside(card.id)]
    answers = [message for message in messages if message.from_moderator]
    about_one = re.compile(r" has (answered|closed it):| had closed it, .*:\n|^⏳ I have asked ")
    noted = sum(bool(about_one.search(note)) for note in notes)
    wrong += [f"{noted} notes of {len(answers)} answers"] * (noted != len(answers))
    reminded = sum(" has been waiting for an answer since " in note for note in notes)
    wrong += [f"{reminded} reminders, stage {ticket.stage}"] * (reminded != int(ticket.stage == Stage.REMINDED))
    written = sum(" writes:" in note for note in notes)
    wrong += [f"{written} notes of the customer's {len(messages) - len(answers)} messages"] * (
        written != len(messages) - len(answers)
    )
    for answer in answers:
        write, read = f"help:write:{ticket.id}:{answer.id}", f"help:read:{ticket.id}:{answer.id}"
        direct = sum(write in _ids(message).split() for message in shop.direct(ticket.person_id))
        public = sum(read in _ids(message).split() for message in shop.messages(shop.channel))
        wrong += [f"an answer arrived {direct} times directly, {public} times in public"] * (direct + public != 1)
    wrong += [f"a note is there twice: {note[:60]}" for note in set(notes) if notes.count(note) > 1]
    return wrong


async def _lines(shop: Shop, url: str) -> list[str]:
    """Compare the lines of the log with the audit entries, of which two can be of one millisecond."""
    lines = [at for message in shop.messages(shop.log) if message.embeds and (at := _time(message)) is not None]
    wrong, known = [], []
    for entry in await rows(url, models.AuditRow, models.AuditRow.guild_id == shop.guild_id):
        at = entry.at if entry.at.tzinfo else entry.at.replace(tzinfo=shop.since.tzinfo)
        if at <= shop.since:
            continue
        known.append(at)
        line = next((line for line in lines if _same(line, at)), None)
        if line is None:
            wrong.append(f"no line about {entry.action}")
        else:
            lines.remove(line)
    wrong += ["a line is there twice" for line in lines if any(_same(line, at) for at in known)]
    return wrong


def _same(line: datetime, at: datetime) -> bool:
    return abs(line - at) < timedelta(milliseconds=1)


async def _roles(shop: Shop, url: str) -> list[str]:
    if not shop.buyer:
        return []
    claims = await rows(url, models.ClaimRow, models.ClaimRow.guild_id == shop.guild_id)
    holders = {claim.person_id for claim in claims if shop.buyer in claim.role_ids}
    members = shop.discord.backend.guilds[shop.guild_id].members
    return [
        f"user {user_id} has the role: {shop.buyer in member.role_ids}, a claim: {user_id in holders}"
        for user_id, member in members.items()
        if (shop.buyer in member.role_ids) != (user_id in holders)
    ]


def _ids(message: Message) -> str:
    return " ".join(component.get("custom_id") or "" for component in walk_components(message.components))


def _time(message: Message) -> datetime | None:
    found = re.sub(r"Z$", "+00:00", str(message.embeds[0].get("timestamp", "")))
    return datetime.fromisoformat(found) if found else None
