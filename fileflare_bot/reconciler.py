"""Completes what an operation has stored as its intent and Discord has not been told: at the start, and every minute.

An operation stores its intent in the database, acts on Discord, and stores the outcome. Whatever ends it in between,
the intent is still there, and is found here.
"""

import asyncio
from collections.abc import Awaitable, Callable, Sequence

from fileflare_bot.background import isolated
from fileflare_bot.leak_guard import LeakGuard
from fileflare_bot.modlog import ModLog
from fileflare_bot.removals import Removals
from fileflare_bot.roles.granting import BuyerRoles
from fileflare_bot.storage.storage import Storage
from fileflare_bot.store.panel import Panels
from fileflare_bot.tickets.reminders import Reminders
from fileflare_bot.tickets.sync import TicketSync


class Reconciler:
    """Goes through everything that is due."""

    def __init__(
        self,
        storage: Storage,
        *,
        reminders: Reminders,
        tickets: TicketSync,
        modlog: ModLog,
        roles: BuyerRoles,
        removals: Removals,
        leak_guard: LeakGuard,
        panels: Panels,
    ) -> None:
        self._storage = storage
        self._reminders = reminders
        self._tickets = tickets
        self._modlog = modlog
        self._roles = roles
        self._removals = removals
        self._leak_guard = leak_guard
        self._panels = panels
        self._running = asyncio.Lock()

    async def run(self) -> None:
        """Do what is due; a fault in one thing stops no other.

        Raises:
            StorageUnavailable: the database does not answer.
        """
        if self._running.locked():
            return  # the round before still waits for Discord
        intents = self._storage.intents
        async with self._running:
            await self._each(self._reminders.act, [(ticket_id,) for ticket_id in await self._storage.tickets.due()])
            await self._each(self._tickets.sync, [(ticket_id,) for ticket_id in await intents.due_tickets()])
            await self._each(self._roles.settle, await self._storage.role_grants.due_members())
            await self._each(self._removals.run, [()])
            await self._each(
                self._leak_guard.settle, [(guild_id,) for guild_id in await self._storage.guilds.due_leak_guards()]
            )
            await self._each(self._panels.settle, [(panel_id,) for panel_id in await self._storage.panels.due()])
            await self._each(self._modlog.post_lines, [(guild_id,) for guild_id in await intents.due_logs()])

    async def _each(self, work: Callable[..., Awaitable[object]], things: Sequence[tuple[int, ...]]) -> None:
        for thing in things:
            await isolated(work(*thing))
