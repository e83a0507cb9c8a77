"""Work that goes on when nobody waits for it any more."""

import asyncio
from typing import TypeVar

import structlog

T = TypeVar("T")

log = structlog.stdlib.get_logger(__name__)


async def shielded(work: asyncio.Task[T]) -> T:
    """Wait for a task, which goes on if the waiting is cancelled; the log then names the error that it ends with.

    After ``asyncio.shield()`` alone, such an error counts as never retrieved, and is logged with its traceback.
    """
    try:
        return await asyncio.shield(work)
    except asyncio.CancelledError:
        work.add_done_callback(_name_error)
        raise


def _name_error(work: asyncio.Task[T]) -> None:
    if not work.cancelled() and (error := work.exception()) is not None:
        log.warning("failed_unawaited", error=type(error).__name__)
