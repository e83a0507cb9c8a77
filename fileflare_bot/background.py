"""Work that a reply waits for, but not for long: it goes on meanwhile, and the reconciler does what it leaves."""

import asyncio
from collections.abc import Awaitable, Coroutine
from typing import Any, Final, TypeVar

import structlog

from fileflare_bot.storage.errors import StorageUnavailable

T = TypeVar("T")

WAIT_SECONDS: Final = 8.0  # people see "thinking…" meanwhile

log = structlog.stdlib.get_logger(__name__)
_running: Final[set[asyncio.Task[None]]] = set()  # the loop itself keeps only weak references


async def soon(*work: Coroutine[Any, Any, object]) -> None:
    """Run all of this, and wait for it up to eight seconds; afterwards it goes on in the background.

    What fails is logged: its intent is stored, so the reconciler tries it again.
    """
    tasks = {asyncio.create_task(_run(coroutine)) for coroutine in work}
    for task in tasks:
        _running.add(task)
        task.add_done_callback(_running.discard)
    await asyncio.wait(tasks, timeout=WAIT_SECONDS)


async def soon_or(otherwise: T, work: Coroutine[Any, Any, T], *others: Coroutine[Any, Any, object]) -> T:
    """Run all of this as soon() does; return the result of ``work``, or ``otherwise`` if it is not there by then."""
    results = [otherwise]

    async def keep_result() -> None:
        results.append(await work)

    await soon(keep_result(), *others)
    return results[-1]


async def stop(seconds: float) -> None:
    """Let what is running finish for this long, then cancel it: the reconciler does it after the next start."""
    if _running:
        _, unfinished = await asyncio.wait(_running, timeout=seconds)
        for task in unfinished:
            task.cancel()


async def isolated(work: Awaitable[object], **facts: int) -> None:
    """Do one of many things. A bug in it is logged with its traceback and these facts, and holds up no other.

    Raises:
        StorageUnavailable: the database does not answer, so there is no point in the others either.
    """
    try:
        await work
    except StorageUnavailable:
        raise
    except Exception:
        log.exception("background_bug", **facts)


async def _run(work: Awaitable[object]) -> None:
    try:
        await isolated(work)
    except StorageUnavailable:
        log.warning("left_to_the_reconciler")
