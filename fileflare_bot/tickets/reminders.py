"""What the bot does about a ticket because nobody else has done anything, where the guild's owner wishes so.

It reminds the moderators of a ticket that they have not answered. It asks a silent customer whether the answer has
helped, and closes the ticket if they stay silent. Each is stored as a note or a message, which ``TicketSync`` brings to
Discord.
"""

import contextlib

from discord.ext import commands

from fileflare_bot.i18n import Catalogs
from fileflare_bot.modlog import ModLog
from fileflare_bot.storage.errors import NoSuchTicket
from fileflare_bot.storage.records import NewNote, Resolution, Stage, Ticket
from fileflare_bot.storage.storage import Storage
from fileflare_bot.tickets.topics import RESOLUTIONS


class Reminders:
    """Writes reminders, asks customers, and closes tickets."""

    def __init__(self, bot: commands.AutoShardedBot, storage: Storage, catalogs: Catalogs, modlog: ModLog) -> None:
        self._bot = bot
        self._guilds = storage.guilds
        self._tickets = storage.tickets
        self._ended_stages = storage.ended_stages
        self._catalogs = catalogs
        self._modlog = modlog

    async def act(self, ticket_id: int) -> None:
        """Do what is due for a ticket; nothing if somebody was faster.

        Raises:
            StorageUnavailable: the database does not answer.
        """
        with contextlib.suppress(NoSuchTicket):  # its customer has it deleted meanwhile
            ticket = await self._tickets.get(ticket_id)
            match ticket.stage:
                case Stage.WAITING:
                    await self._remind(ticket)
                case Stage.ANSWERED:
                    await self._ask(ticket)
                case Stage.ASKED:
                    await self._close(ticket)

    async def _remind(self, ticket: Ticket) -> None:
        translator = await self._modlog.translator(ticket.guild_id)
        since = ticket.stage_since or ticket.created_at
        text = translator.gettext(
            "{who} has been waiting for an answer since {when}.",
            who=f"<@{ticket.user_id}>",
            when=f"<t:{int(since.timestamp())}:f>",
        )
        await self._ended_stages.remind(ticket.id, NewNote(f"⏰ {text}", "open", reminder=True))

    async def _ask(self, ticket: Ticket) -> None:
        days = (await self._guilds.load(ticket.guild_id)).options.close_after_days
        if days is None:  # the owner has just switched it off
            return
        text = self._catalogs.translator(ticket.locale).ngettext(
            "The moderators have answered you, and have heard nothing since. If I hear nothing within {count} day, I "
            "close this request; you can reopen it.",
            "The moderators have answered you, and have heard nothing since. If I hear nothing within {count} days, I "
            "close this request; you can reopen it.",
            days,
        )
        await self._ended_stages.ask(ticket.id, self._bot_id, text)

    async def _close(self, ticket: Ticket) -> None:
        translator = self._catalogs.translator(ticket.locale)
        reason = translator.gettext(RESOLUTIONS[Resolution.NO_REPLY])
        text = translator.gettext(
            "I hope that all is well. If something is left, press **{reopen}**, and write what it is.",
            reopen=translator.gettext("Reopen"),
        )
        await self._ended_stages.close_silent(ticket.id, self._bot_id, f"{reason}.\n\n{text}")

    @property
    def _bot_id(self) -> int:
        assert self._bot.user is not None  # noqa: S101 - the reconciler begins once the bot is logged in
        return self._bot.user.id
