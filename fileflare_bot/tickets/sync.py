"""Brings what Discord shows of a ticket in line with what is stored: its card, thread, answers and notes.

Everything goes by IDs through REST, never by the guild cache: a button in a direct message arrives on shard 0, which
need not know the guild.
"""

import asyncio
from functools import partial
from weakref import WeakValueDictionary

from discord.ext import commands

from fileflare_bot.i18n import Catalogs
from fileflare_bot.modlog import ModLog
from fileflare_bot.storage.errors import NoSuchTicket
from fileflare_bot.storage.records import Ticket
from fileflare_bot.storage.storage import Storage
from fileflare_bot.tickets.card import Cards
from fileflare_bot.tickets.delivery import Deliveries
from fileflare_bot.tickets.screenshots import Screenshot
from fileflare_bot.tickets.thread import Threads


class TicketSync:
    """Does for a ticket what Discord still has to be told, and records what came of it."""

    def __init__(self, bot: commands.AutoShardedBot, storage: Storage, catalogs: Catalogs, modlog: ModLog) -> None:
        self._tickets = storage.tickets
        self._cards = Cards(bot, storage, modlog)
        self._threads = Threads(bot, storage, modlog)
        self._deliveries = Deliveries(bot, storage, catalogs, modlog)
        self._locks: WeakValueDictionary[int, asyncio.Lock] = WeakValueDictionary()

    async def sync(self, ticket_id: int, screenshot: Screenshot | None = None) -> None:
        """Do what is missing; what Discord does not take now is tried again later, but for the screenshot.

        Raises:
            StorageUnavailable: the database does not answer.
        """
        steps = (
            self._cards.show,
            self._deliveries.deliver,
            partial(self._threads.write, screenshot=screenshot),
            self._write_below_a_new_card,
            self._threads.archive,
        )
        async with self._locks.setdefault(ticket_id, asyncio.Lock()):
            for step in steps:
                try:
                    ticket = await self._tickets.get(ticket_id)
                except NoSuchTicket:  # its customer had it deleted meanwhile
                    return
                await step(ticket)

    async def _write_below_a_new_card(self, ticket: Ticket) -> None:
        """Post the card and the notes anew if the notes had no place any more."""
        if ticket.card.message_id is None and ticket.must_be_posted:
            await self._cards.show(ticket)
            await self._threads.write(await self._tickets.get(ticket.id))
