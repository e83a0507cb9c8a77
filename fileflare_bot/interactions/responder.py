"""The one way out for every interaction: acknowledged in time, answered once, refused in words.

Commands, buttons and modals all hand their work to :meth:`Answering.reply`, so that each of them is
acknowledged within Discord's 3 seconds, counted while it runs, logged in one line, and never left unanswered.
"""

import asyncio
import logging
import secrets
import time
from collections.abc import Awaitable, Callable
from dataclasses import dataclass, field
from typing import Any, Final, TypeVar

import discord
import structlog

from fileflare_bot.i18n import Catalogs, Words
from fileflare_bot.interactions.activity import Activity
from fileflare_bot.metrics import Metrics
from fileflare_bot.refusal import NextStep, Restarting, given_back, refuse

T = TypeVar("T")
NextSteps = Callable[[Exception, NextStep, Words], discord.ui.View | None]

FAST_ANSWER_SECONDS: Final = 1.0  # an answer this fast takes one Discord call; a slower one is deferred first
LAST_WORDS_SECONDS: Final = 2.0  # for telling those whose replies are cut off when the bot stops
SERVER_ERROR: Final = 500
TOO_MANY_REQUESTS: Final = 429
ALREADY_ACKNOWLEDGED: Final = 40060
_LOST: Final = {
    10062: "too_late",  # unknown interaction: three seconds have passed
    10008: "dismissed",  # unknown message: the person closed it
    10015: "expired",  # unknown webhook: the token's 15 minutes have passed
    50027: "expired",  # invalid webhook token
    ALREADY_ACKNOWLEDGED: "already_acknowledged",
}

log = structlog.stdlib.get_logger(__name__)


@dataclass(frozen=True, slots=True)
class Outgoing:
    """A message to a person: always ephemeral, never with a mention that takes effect."""

    content: str
    embed: discord.Embed | None = None
    view: discord.ui.View | discord.ui.LayoutView | None = None
    file: discord.File | None = None

    def for_sending(self) -> dict[str, Any]:
        """Return the arguments of discord.py's sending methods, which know no None."""
        given = {"content": self.content or None, "embed": self.embed, "view": self.view, "file": self.file}
        return {name: value for name, value in given.items() if value is not None}

    def for_editing(self) -> dict[str, Any]:
        """Return the arguments of discord.py's editing methods, for which None takes away what was there."""
        if isinstance(self.view, discord.ui.LayoutView):  # whose messages have neither content nor embeds
            return {"view": self.view}
        files = [] if self.file is None else [self.file]
        return {"content": self.content, "embed": self.embed, "view": self.view, "attachments": files}


@dataclass(slots=True)
class Reply:
    """The answer to one interaction. ``updates`` says that it changes the message its button sits on."""

    interaction: discord.Interaction[Any]
    words: Words
    updates: bool = False
    written: str = field(default="", repr=False)
    outcome: str = "answered"
    facts: dict[str, Any] = field(default_factory=dict)
    started: float = field(default_factory=time.perf_counter)
    acknowledged: float | None = None

    async def waiting_for(self, work: Awaitable[T]) -> T:
        """Return what the work gives; acknowledge in the meantime if it takes longer than a fast answer."""
        acknowledging: list[asyncio.Task[None]] = []

        def acknowledge() -> None:
            if self.acknowledged is None:
                acknowledging.append(asyncio.create_task(self._acknowledge()))

        timer = asyncio.get_running_loop().call_later(self._time_for_a_fast_answer(), acknowledge)
        try:
            return await work
        finally:
            timer.cancel()
            await asyncio.gather(*acknowledging)

    async def show(self, message: Outgoing) -> None:
        """Send the answer, or put it in the place of the message the button sits on."""
        response = self.interaction.response
        if self.acknowledged is not None:
            await self._edit(message)
        elif self.updates:
            await self._respond(lambda: response.edit_message(**message.for_editing()))
        else:
            await self._respond(lambda: response.send_message(**message.for_sending(), ephemeral=True))

    async def tell(self, message: Outgoing) -> None:
        """Send a notice that leaves the message the button sits on as it is."""
        response = self.interaction.response
        if self.acknowledged is None:
            await self._respond(lambda: response.send_message(**message.for_sending(), ephemeral=True))
        elif self.updates:
            await self.interaction.followup.send(**message.for_sending(), ephemeral=True)
        else:
            await self._edit(message)

    async def ask(self, modal: discord.ui.Modal) -> None:
        """Open a modal; it can only be the first answer."""
        await self._respond(lambda: self.interaction.response.send_modal(modal))

    async def _acknowledge(self) -> None:
        response = self.interaction.response
        if self.updates:
            await self._respond(response.defer)
        else:
            await self._respond(lambda: response.defer(ephemeral=True, thinking=True))

    async def _edit(self, message: Outgoing) -> None:
        await _twice(lambda: self.interaction.edit_original_response(**message.for_editing()))

    async def _respond(self, first: Callable[[], Awaitable[object]]) -> None:
        """Give the first answer. Repeating it is safe: one that had arrived is told by Discord's 40060."""
        await _twice(first, arrived=ALREADY_ACKNOWLEDGED)
        self.acknowledged = time.perf_counter()

    def _time_for_a_fast_answer(self) -> float:
        """Return the seconds left of a fast answer; a clock that runs wrong only makes it defer early or on time."""
        age = (discord.utils.utcnow() - self.interaction.created_at).total_seconds()
        return FAST_ANSWER_SECONDS - min(max(age, 0.0), FAST_ANSWER_SECONDS)


async def _twice(call: Callable[[], Awaitable[object]], *, arrived: int | None = None) -> None:
    """Make a Discord call that may be repeated; discord.py has its own patience for 429 and 5xx before this."""
    try:
        await call()
    except discord.HTTPException as error:
        if error.status < SERVER_ERROR and error.status != TOO_MANY_REQUESTS:
            raise
        try:
            await call()
        except discord.HTTPException as again:
            if again.code != arrived:
                raise


class Answering:
    """Gives out replies, and knows which are still running."""

    def __init__(self, catalogs: Catalogs, metrics: Metrics) -> None:
        self._catalogs = catalogs
        self._metrics = metrics
        self.activity = Activity()
        self._running: set[asyncio.Task[Any]] = set()
        self._stopping = False

    async def reply(
        self,
        interaction: discord.Interaction[Any],
        event: str,
        work: Callable[[Reply], Awaitable[None]],
        *,
        updates: bool = False,
        next_steps: NextSteps | None = None,
        written: str = "",
    ) -> None:
        """Answer an interaction by this work; whatever it raises becomes a refusal and a log line.

        A refusal gives back what the person has ``written``, so that nobody has to write it twice.
        """
        reply = Reply(interaction, self._catalogs.words(interaction.locale), updates, written=written)
        task = asyncio.current_task()
        assert task is not None  # noqa: S101 - a coroutine always runs in a task
        self._running.add(task)
        try:
            if self._stopping:
                raise Restarting  # noqa: TRY301 - the one mapper below turns it into words
            await work(reply)
        except Exception as error:  # noqa: BLE001 - every error must reach the person and the log
            await self._refuse(reply, event, error, next_steps)
        except asyncio.CancelledError:
            if not self._stopping:
                raise
            await self._refuse(reply, event, Restarting(), next_steps)
        else:
            self._log(event, reply)
        finally:
            self._running.discard(task)

    async def refuse(
        self,
        interaction: discord.Interaction[Any],
        event: str,
        error: Exception,
        *,
        next_steps: NextSteps | None = None,
    ) -> None:
        """Refuse an interaction for which there is no work to do."""

        async def fail(_reply: Reply) -> None:
            raise error

        await self.reply(interaction, event, fail, next_steps=next_steps)

    async def drain(self, seconds: float) -> int:
        """Take no new work, let running replies finish, and return how many had not by then.

        Who waits for one of those is told to try again.
        """
        self._stopping = True
        running = self._running - {asyncio.current_task()}
        if not running:
            return 0
        _, unfinished = await asyncio.wait(running, timeout=seconds)
        for task in unfinished:
            task.cancel()
        if unfinished:
            await asyncio.wait(unfinished, timeout=LAST_WORDS_SECONDS)
        return len(unfinished)

    async def _refuse(self, reply: Reply, event: str, error: Exception, next_steps: NextSteps | None) -> None:
        if isinstance(error, discord.HTTPException) and (kind := _undelivered(error)):
            self._failed(reply, event, kind)
            return
        reference = secrets.token_hex(4)
        refusal = refuse(error, reply.words, reference=reference)
        reply.outcome = refusal.outcome
        if refusal.outcome == "bug":
            reply.facts |= {"reference": reference, "exc_info": error}
        view = next_steps(error, refusal.next_step, reply.words) if next_steps is not None else None
        try:
            await reply.tell(Outgoing(refusal.text + given_back(reply.written, reply.words), view=view))
        except Exception as failure:  # noqa: BLE001 - nothing is left but the log
            kind = _undelivered(failure) if isinstance(failure, discord.HTTPException) else ""
            reply.facts.setdefault("exc_info", failure)
            self._failed(reply, event, kind or "rejected")
        else:
            self._log(event, reply, refusal.level)

    def _failed(self, reply: Reply, event: str, kind: str) -> None:
        self._metrics.discord_failures.labels(kind).inc()
        reply.outcome = f"undelivered.{kind}"
        self._log(event, reply, logging.WARNING)

    def _log(self, event: str, reply: Reply, level: int = logging.INFO) -> None:
        seconds = time.perf_counter() - reply.started
        self._metrics.answers.labels(event, reply.outcome).inc()
        if event == "lookup" and reply.interaction.guild_id is not None:
            self.activity.count(reply.interaction.guild_id, reply.outcome)
        self._metrics.answer_seconds.observe(seconds)
        if reply.acknowledged is not None:
            self._metrics.acknowledgement_seconds.observe(reply.acknowledged - reply.started)
        log.log(
            level,
            event,
            outcome=reply.outcome,
            milliseconds=round(seconds * 1000),
            guild_id=reply.interaction.guild_id,
            **reply.facts,
        )


def _undelivered(error: discord.HTTPException) -> str:
    """Return why Discord took no answer and will take none, or nothing where another answer may do."""
    if error.status >= SERVER_ERROR:
        return "discord_down"
    if error.status == TOO_MANY_REQUESTS:
        return "rate_limited"
    return _LOST.get(error.code, "")
