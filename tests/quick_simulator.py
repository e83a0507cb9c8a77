"""Lets the simulated Discord notice sooner, and for less, that the bot has nothing left to do."""

import asyncio
import functools
from typing import Any

from simcord.env import Env

LOOK_SECONDS = 0.002
QUIET_SECONDS = 0.001
QUIET_TURNS = 2  # of the loop, in that time: the sleep's own


def settle_quickly() -> None:
    """Let the simulator look at every task of the bot only once the loop has come to rest."""
    looking = vars(Env)["_settle_internal"]
    looking.__kwdefaults__["idle"] = LOOK_SECONDS

    @functools.wraps(looking)
    async def settle(self: Env, **given: Any) -> None:  # noqa: ANN401 - as simcord's own
        loop = asyncio.get_running_loop()
        turn, turns = loop._run_once, 0  # type: ignore[attr-defined]  # noqa: SLF001 - asyncio counts no turns

        def counted() -> None:
            nonlocal turns
            turns += 1
            turn()

        loop._run_once = counted  # type: ignore[attr-defined]  # noqa: SLF001
        try:
            until = loop.time() + 1.0
            while loop.time() < until:
                before = turns
                await asyncio.sleep(QUIET_SECONDS)
                if turns - before <= QUIET_TURNS:
                    break
        finally:
            loop._run_once = turn  # type: ignore[attr-defined]  # noqa: SLF001
        await looking(self, **given)

    Env._settle_internal = settle  # type: ignore[method-assign]  # noqa: SLF001
