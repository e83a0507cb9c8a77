"""Completes what an operation has stored as its intent and Discord has not been told: at the start, and every minute.

An operation stores its intent in the database, acts on Discord, and stores the outcome. Whatever ends it in between,
the intent is still there, and is found here. Each process does what is due in the guilds of its own shards: no two do
the same, and each knows its guilds.
"""

import asyncio
from collections.abc import Awaitable, Callable, Sequence
from typing import Final, TypeVar

from fileflare_bot.background import isolated
from fileflare_bot.leak_guard import LeakGuard
from fileflare_bot.modlog import ModLog
from fileflare_bot.removals import Removals
from fileflare_bot.roles.granting import BuyerRoles
from fileflare_bot.storage.leases import Shards
from fileflare_bot.storage.storage import Storage
from fileflare_bot.store.panel import Panels
from fileflare_bot.tickets.reminders import Reminders
from fileflare_bot.tickets.sync import TicketSync

AT_ONCE: Final = 8  # things of one kind: Discord allows 50 calls a second, and replies come first

T = TypeVar("T")


class Reconciler:
    """Goes through everything that is due in the guilds of these shards, or in all, as long as the process may act."""

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
        shards: Shards | None = None,
        may_act: Callable[[], bool],
    ) -> None:
        self._storage = storage
        self._reminders = reminders
        self._tickets = tickets
        self._modlog = modlog
        self._roles = roles
        self._removals = removals
        self._leak_guard = leak_guard
        self._panels = panels
        self._shards = shards
        self._may_act = may_act
        self._round: asyncio.Task[None] | None = None
        self._stopped = False

    async def run(self) -> None:
        """Do what is due; a fault in one thing stops no other.

        Raises:
            StorageUnavailable: the database does not answer.
        """
        if self._round is not None or self._stopped:
            return  # the round before still waits for Discord
        self._round = asyncio.create_task(self._go_through())
        try:
            await self._round
        except asyncio.CancelledError:
            if not self._stopped:
                raise
        finally:
            self._round = None

    async def stop(self) -> None:
        """End a round that is under way, as the client is about to close; what is left is done after the next start."""
        self._stopped = True
        if self._round is not None:
            self._round.cancel()
            await asyncio.wait([self._round])

    async def _go_through(self) -> None:
        storage, shards = self._storage, self._shards
        await self._each(self._reminders.act, await storage.ended_stages.ids(shards))
        await self._each(self._tickets.sync, await storage.intents.due_tickets(shards))
        await self._each(self._settle_roles, await storage.role_grants.due_members(shards))
        await self._each(self._removals.run, [shards])
        await self._each(self._leak_guard.settle, await storage.guilds.due_leak_guards(shards))
        await self._each(self._panels.settle, await storage.panels.due(shards))
        await self._each(self._modlog.post_lines, await storage.intents.due_logs(shards))

    async def _each(self, work: Callable[[T], Awaitable[object]], things: Sequence[T]) -> None:
        """Do this for each thing, several at a time: one that waits for Discord does not hold up the others."""
        rest = iter(things)

        async def work_through() -> None:
            for thing in rest:
                if self._may_act():
                    await isolated(work(thing))

        outcomes = await asyncio.gather(*(work_through() for _ in range(AT_ONCE)), return_exceptions=True)
        for outcome in outcomes:
            if outcome is not None:
                raise outcome

    async def _settle_roles(self, member: tuple[int, int]) -> None:
        await self._roles.settle(*member)
