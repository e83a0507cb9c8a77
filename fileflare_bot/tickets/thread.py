"""The thread of a ticket's card: notes about what happened, and whether it is archived."""

from collections.abc import Awaitable, Callable
from dataclasses import replace
from typing import Any

import discord
import structlog
from discord.ext import commands

from fileflare_bot.discord_errors import FAILURES, THREAD_LOCKED, code_of, is_final, is_gone, name_of
from fileflare_bot.discord_limits import EMBED_DESCRIPTION, shorten
from fileflare_bot.modlog import ModLog
from fileflare_bot.posting import RECENT, is_of, post_once
from fileflare_bot.storage.records import Note, Ticket
from fileflare_bot.storage.storage import Storage
from fileflare_bot.tickets.card import COLOURS
from fileflare_bot.tickets.screenshots import Screenshot, is_private
from fileflare_bot.tickets.texts import title

log = structlog.stdlib.get_logger(__name__)


class Threads:
    """Writes the notes of tickets, and archives and opens their threads."""

    def __init__(self, bot: commands.AutoShardedBot, storage: Storage, modlog: ModLog) -> None:
        self._bot = bot
        self._storage = storage
        self._intents = storage.intents
        self._modlog = modlog

    async def write(self, ticket: Ticket, screenshot: Screenshot | None = None) -> None:
        """Post a ticket's notes, oldest first, and record which are posted; the others are tried again later.

        The screenshot is posted in place of its note, at this try only.
        """
        mine = None if screenshot is None else screenshot.note_id
        for note in await self._intents.notes(ticket.id, mine):
            if not await self._post(ticket, note, screenshot if note.id == mine else None):
                return

    async def archive(self, ticket: Ticket) -> None:
        """Archive the thread of a resolved ticket, or open that of an open one, once all notes are in it."""
        if not ticket.card.thread_id or ticket.archived == ticket.resolved:
            return
        if await self._intents.notes(ticket.id):  # each would open the thread again
            await self._intents.ticket_postponed(ticket.id)
            return
        try:
            await self._bot.http.edit_channel(ticket.card.thread_id, archived=ticket.resolved)
        except FAILURES as error:
            log.warning("thread_not_archived", guild_id=ticket.guild_id, error=name_of(error))
            if not is_final(error, ticket.resolved_at or ticket.created_at):
                await self._intents.ticket_postponed(ticket.id)
                return
        await self._intents.thread_archived(ticket.id, archived=ticket.resolved)

    async def _post(self, ticket: Ticket, note: Note, screenshot: Screenshot | None) -> bool:
        """Post a note into the thread or, where there is none, beside the card; a reminder the other way round.

        Return whether to go on with the next note.
        """
        if ticket.card.message_id is not None and ticket.card.thread_id is None and not note.reminder:
            # Wait for the thread: a note whose response was lost beside the card would be posted there once more.
            await self._intents.notes_postponed(ticket.id)
            return False
        places: list[Callable[[], Awaitable[None]]] = []
        if ticket.card.thread_id:
            places.append(lambda: self._post_into_thread(ticket, note, screenshot))
        if ticket.card.channel_id is not None and ticket.card.message_id is not None:
            places.append(lambda: self._post_beside(ticket, note))
        if note.reminder:  # moderators who are not in the thread are to see it
            places.reverse()
        for place in places:
            try:
                await place()
            except FAILURES as error:
                log.warning("note_not_posted", guild_id=ticket.guild_id, error=name_of(error))
                if is_gone(error) or code_of(error) == THREAD_LOCKED:
                    continue
                if not is_final(error, note.created_at):
                    await self._intents.notes_postponed(ticket.id)
                    return False
            await self._intents.note_posted(note.id, ticket.id)
            return True
        return await self._without_place(ticket, note)

    async def _without_place(self, ticket: Ticket, note: Note) -> bool:
        """Keep a note as long as a card may still be posted; return whether the note is given up."""
        given_up = ticket.resolved and ticket.shown_version >= ticket.version
        if given_up:
            await self._intents.note_posted(note.id)
        elif ticket.shown_version >= ticket.version:  # nobody can read it: the card is gone
            await self._intents.show_again(ticket.id)
        else:
            await self._intents.notes_postponed(ticket.id)
        return given_up

    async def _post_into_thread(self, ticket: Ticket, note: Note, screenshot: Screenshot | None) -> None:
        thread_id = ticket.card.thread_id or 0
        channel = self._bot.get_channel(ticket.card.channel_id or 0)
        if screenshot is None or not screenshot.content or not is_private(channel):
            await self._send(ticket, thread_id, note, _embed(note))
        elif screenshot.added and await self._is_there(thread_id, screenshot):
            screenshot.posted = True
        else:
            translator = await self._modlog.translator(ticket.guild_id)
            text = translator.gettext("{who} has attached a screenshot:", who=f"<@{ticket.user_id}>")
            shown = replace(note, text=f"🖼️ {text}")
            message = await self._send(ticket, thread_id, note, _embed(shown), file=screenshot.file())
            screenshot.posted = bool(message.attachments)  # or an earlier try has posted the note itself

    async def _is_there(self, thread_id: int, screenshot: Screenshot) -> bool:
        """Return whether the picture is among the recent messages: its customer pressed again after a failure."""
        recent = self._bot.get_partial_messageable(thread_id).history(limit=RECENT)
        return any([screenshot.is_in(message) async for message in recent])

    async def _post_beside(self, ticket: Ticket, note: Note) -> None:
        channel_id, message_id = ticket.card.channel_id or 0, ticket.card.message_id or 0
        reference = discord.MessageReference(
            message_id=message_id, channel_id=channel_id, guild_id=ticket.guild_id, fail_if_not_exists=False
        )
        embed = _embed(note).set_footer(text=title(ticket, await self._modlog.translator(ticket.guild_id)))
        await self._send(ticket, channel_id, note, embed, reference=reference)

    async def _send(
        self,
        ticket: Ticket,
        channel_id: int,
        note: Note,
        embed: discord.Embed,
        **more: Any,  # noqa: ANN401 - of send()
    ) -> discord.Message:
        user = role = None
        if await self._intents.may_ping(ticket.id):
            user = note.mention
            if note.reminder and user is None:
                role = (await self._storage.guilds.load(ticket.guild_id)).ping_role_id
        mention = f"<@{user}>" if user is not None else f"<@&{role}>" if role is not None else None
        notified = discord.AllowedMentions(
            users=[discord.Object(user)] if user is not None else False,
            roles=[discord.Object(role)] if role is not None else False,
            replied_user=False,
        )
        message = await post_once(
            self._bot,
            channel_id,
            found=lambda recent: is_of(recent, note.created_at),
            since=note.created_at,
            content=mention,
            embed=embed,
            allowed_mentions=notified,
            **more,
        )
        if mention is not None:
            await self._intents.pinged(ticket.id)
        return message


def _embed(note: Note) -> discord.Embed:
    text = shorten(note.text, EMBED_DESCRIPTION)
    return discord.Embed(description=text, colour=COLOURS[note.colour], timestamp=note.created_at)
