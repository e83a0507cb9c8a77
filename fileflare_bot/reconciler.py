"""Completes what an operation has stored as its intent and Discord has not been told: at the start, and every minute.

An operation stores its intent in the database, acts on Discord, and stores the outcome. Whatever ends it in between,
the intent is still there, and is found here. Each process does what is due in the guilds of its own shards: no two do
the same, and each knows its guilds.
"""

import asyncio
from collections.abc import Awaitable, Callable, Sequence
from typing import Any, Final

from fileflare_bot.background import isolated
from fileflare_bot.storage.leases import Shards

AT_ONCE: Final = 8  # things of one kind: Discord allows 50 calls a second, and replies come first

Due = Callable[[Shards | None], Awaitable[Sequence[Any]]]
Work = Callable[[Any], Awaitable[object]]


class Reconciler:
    """Goes through everything that is due in the guilds of these shards, or in all, as long as the process may act.

    For each of ``kinds``, in this order, it reads what is due and does the work for each of them.
    """

    def __init__(self, *kinds: tuple[Due, Work], shards: Shards | None, may_act: Callable[[], bool]) -> None:
        self._kinds = kinds
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
        for due, work in self._kinds:
            await self._each(work, await due(self._shards))

    async def _each(self, work: Work, things: Sequence[Any]) -> None:
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
