"""What people see while they wait for their turn to ask Fileflare: for how long, and how they leave the line."""

import asyncio
import math
import time
from collections.abc import AsyncIterator, Callable
from contextlib import asynccontextmanager
from dataclasses import replace
from typing import Final

from fileflare_bot.fileflare.errors import LeftLine
from fileflare_bot.fileflare.request_queue import Place
from fileflare_bot.i18n import Translator
from fileflare_bot.interactions.components import button, view
from fileflare_bot.interactions.reply import Reply, ReplyMessage, Undelivered

SECONDS_BETWEEN_MESSAGES: Final = 10.0
BAR_CELLS: Final = 10
PASSING: Final = {"discord_down", "rate_limited"}  # the kinds of Undelivered after which the reply may still arrive
_SOON: Final = 30  # seconds
_MINUTE: Final = 60  # seconds
_SLACK: Final = 15  # seconds by which "about a minute" may be longer
_ROUNDED: Final = 5  # seconds; else a time would change with each reading of the clock


class WaitingRoom:
    """Shows one user for how long they wait; is entered with their place in the line.

    It says so at once, or after the time of a fast reply if the turn may come by then, and again only when there is
    something new to say. What is ``shown`` already stays above it. ``leave_id`` is the custom_id of the button that
    gives the place up.
    """

    def __init__(self, reply: Reply, leave_id: str = "", shown: Callable[[], ReplyMessage] | None = None) -> None:
        self._reply = reply
        self._leave_id = leave_id
        self._shown = shown
        self._said = ""
        self._saying = asyncio.Lock()
        self._longest = 0.0

    @property
    def is_shown(self) -> bool:
        """Whether the user has been told that they wait."""
        return bool(self._said)

    @asynccontextmanager
    async def __call__(self, place: Place) -> AsyncIterator[None]:
        """Show the place inside this block."""
        telling = asyncio.create_task(self._tell(place))
        try:
            yield
        finally:
            async with self._saying:  # a message that is under way must not arrive after the reply
                telling.cancel()
            await asyncio.wait({telling})
            if not telling.cancelled():
                telling.result()

    async def _tell(self, place: Place) -> None:
        fast = self._reply.time_for_a_fast_reply()
        await asyncio.sleep(fast if not self._said and place.wait < fast else 0.0)
        while not place.turn.done():
            wait = place.wait
            said = sentence(wait, place, self._reply.translator)
            if said != self._said:
                self._longest = max(self._longest, wait)
                async with self._saying:
                    try:
                        await self._reply.show_for_now(self._message(said, wait), stays=self._shown is not None)
                        self._said = said
                    except Undelivered as failure:
                        if failure.kind not in PASSING:
                            place.lose(LeftLine())  # nobody would see what the turn brings
                            return
            await asyncio.sleep(max(SECONDS_BETWEEN_MESSAGES, wait - _next_step(wait)))

    def _message(self, said: str, wait: float) -> ReplyMessage:
        left = math.ceil(BAR_CELLS * wait / self._longest) if self._longest else 0
        text = f"⏳ {said}\n{'▰' * (BAR_CELLS - left)}{'▱' * left}"
        if self._shown is not None:
            shown = self._shown()
            return replace(shown, content=f"{shown.content}\n{text}")
        leave = [button(self._reply.translator.gettext("Leave the line"), self._leave_id)] if self._leave_id else []
        return ReplyMessage(text, view=view(leave) if leave else None)


def sentence(wait: float, place: Place, translator: Translator) -> str:
    """Return what somebody is told who waits for so many seconds."""
    if place.queue.away() is not None:
        return translator.gettext(
            "**Fileflare does not answer right now.** I go on asking, and your downloads come here by themselves."
        )
    pause = place.queue.pause
    if pause > SECONDS_BETWEEN_MESSAGES:
        at = f"<t:{math.ceil((time.time() + pause) / _ROUNDED) * _ROUNDED}:T>"
        return translator.gettext(
            "**Fileflare has asked me to pause.** I ask again at {at}, and your downloads come here by themselves.",
            at=at,
        )
    if wait <= _SOON:
        return translator.gettext("**Many people are asking right now.** Yours come in a moment, by themselves.")
    return translator.ngettext(
        "**Many people are asking right now.** Yours come in about {count} minute, by themselves.",
        "**Many people are asking right now.** Yours come in about {count} minutes, by themselves.",
        math.ceil((wait - _SLACK) / _MINUTE),
    )


def _next_step(wait: float) -> float:
    """Return how many seconds the wait will be when there is something new to say."""
    if wait <= _SOON:
        return 0.0
    return max(float(_SOON), (math.ceil((wait - _SLACK) / _MINUTE) - 1) * _MINUTE + _SLACK)
