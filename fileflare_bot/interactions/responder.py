"""Replies to every interaction: acknowledges it in time, replies once, or refuses in a sentence.

Commands, buttons and modals all go through :meth:`Responder.respond`, so each is checked for its audience,
acknowledged within Discord's 3 seconds, counted while it runs, logged in one line, and never left without a reply.
"""

import asyncio
import logging
import secrets
import time
from collections.abc import Awaitable, Callable
from typing import Any, Final

import discord
import structlog
from cachetools import TTLCache

from fileflare_bot import discord_limits as limits
from fileflare_bot.discord_errors import is_passing
from fileflare_bot.i18n import N_, Catalogs, Translator
from fileflare_bot.interactions.access import Audience, ModeratorOfSomeChannels, OnlyInServer, Restarting, admit
from fileflare_bot.interactions.activity import Activity
from fileflare_bot.interactions.components import COLOUR
from fileflare_bot.interactions.reply import Reply, ReplyMessage, Undelivered
from fileflare_bot.logs import hiding
from fileflare_bot.metrics import Metrics
from fileflare_bot.refusal import Bug, Refusal
from fileflare_bot.storage.errors import StorageUnavailable
from fileflare_bot.storage.guilds import Guilds
from fileflare_bot.text import clean, escape

LAST_WORDS_SECONDS: Final = 2.0  # to tell users whose replies are cut off when the bot stops
LONGEST_GIVEN_BACK: Final = 1500  # characters; with the longest refusal they fit a message's 2000
MOST_ARRIVED: Final = 10_000  # interactions that are known to have arrived
ARRIVED_SECONDS: Final = 60.0  # in which an event may come once more
LOOKUP: Final = "lookup"  # the event that a guild's activity counts

log = structlog.stdlib.get_logger(__name__)


class DiscordFailed(Refusal):
    """Shown when a handler's call to Discord failed in a way that may pass."""

    sentence = N_("**Discord had a problem, so I could not finish this.** See what is done already, then try again.")
    level = logging.WARNING


Handler = Callable[[Reply], Awaitable[None]]
LostDesk = Callable[[int, int], Awaitable[None]]  # tells a guild's owner that a user is no moderator any more


class Responder:
    """Runs the handlers, and keeps track of those still running."""

    def __init__(self, catalogs: Catalogs, guilds: Guilds, metrics: Metrics, lost_desk: LostDesk) -> None:
        self._catalogs = catalogs
        self._guilds = guilds
        self._metrics = metrics
        self._lost_desk = lost_desk
        self.activity = Activity()
        self._running: set[asyncio.Task[Any]] = set()
        self._arrived: TTLCache[int, None] = TTLCache(MOST_ARRIVED, ARRIVED_SECONDS)  # the interactions' IDs
        self._stopping = False

    def is_new(self, interaction: discord.Interaction[Any]) -> bool:
        """Return whether an interaction arrives for the first time: an event may come twice after a resumed session."""
        if interaction.id in self._arrived:
            return False
        self._arrived[interaction.id] = None
        return True

    async def respond(
        self,
        interaction: discord.Interaction[Any],
        handler: Handler,
        event: str,
        audience: Audience,
        *,
        updates: bool = False,
    ) -> None:
        """Run an interaction's handler; every error becomes a refusal and a log line."""
        reply = Reply(interaction, self._catalogs.translator(interaction.locale), event, updates, self._guilds)
        task = asyncio.current_task()
        assert task is not None  # noqa: S101 - a coroutine always runs in a task
        self._running.add(task)
        with hiding():
            try:
                await self._answer(reply, handler, audience)
            except asyncio.CancelledError:
                if not self._stopping and interaction.client.may_act():
                    raise
                await self._cut_off(reply)
            finally:
                self._running.discard(task)

    async def refuse(self, interaction: discord.Interaction[Any], event: str, error: Exception) -> None:
        """Refuse an interaction that has no handler, or whose handler could not even be refused."""

        async def fail(_reply: Reply) -> None:
            raise error

        await self.respond(interaction, fail, event, Audience.CUSTOMER)

    def refuse_new(self) -> None:
        """Refuse the interactions that arrive from now on."""
        self._stopping = True

    async def drain(self, seconds: float) -> int:
        """Refuse new interactions, let running replies finish, and return how many did not finish in time.

        The users of those are told to try again.
        """
        self.refuse_new()
        running = self._running - {asyncio.current_task()}
        if not running:
            return 0
        _, unfinished = await asyncio.wait(running, timeout=seconds)
        for task in unfinished:
            task.cancel()
        if unfinished:
            await asyncio.wait(unfinished, timeout=LAST_WORDS_SECONDS)
        return len(unfinished)

    async def _answer(self, reply: Reply, handler: Handler, audience: Audience) -> None:
        try:
            if self._stopping:
                raise Restarting  # noqa: TRY301 - _refuse below says it
            await admit(reply.interaction, audience, self._guilds)
            await _in_time(handler, reply)
        except Exception as error:  # noqa: BLE001 - every error must reach the person and the log
            await self._refuse(reply, error)
        else:
            self._log(reply)

    async def _cut_off(self, reply: Reply) -> None:
        """End a reply that takes too long for a stop: whoever has it already is not told to try again."""
        try:
            await reply.settle()
        except Undelivered as failure:
            self._failed(reply, failure.kind)
            return
        if reply.arrived:
            self._log(reply)
        else:
            await self._refuse(reply, Restarting())

    async def _refuse(self, reply: Reply, error: Exception) -> None:
        if isinstance(error, Undelivered):
            self._failed(reply, error.kind)
            return
        refusal = _refusal(error)
        reply.outcome = refusal.outcome
        if isinstance(refusal, Bug):
            reply.facts |= {"reference": refusal.reference, "exc_info": error}
        elif isinstance(refusal, DiscordFailed):
            reply.facts |= {"exc_info": error}
        view = reply.offer(error, refusal, reply.translator) if reply.offer is not None else None
        text = refusal.text(reply.translator) + _given_back(reply.written, reply.translator)
        where = _where_to_find(reply) if refusal.says_where else None
        try:
            await (reply.show if refusal.in_place else reply.tell)(ReplyMessage(text, where, view))
        except Undelivered as failure:
            self._failed(reply, failure.kind)
        except Exception as failure:  # noqa: BLE001 - nothing is left but the log
            reply.facts.setdefault("exc_info", failure)
            self._failed(reply, "rejected")
        else:
            self._log(reply, refusal.level)
        if isinstance(refusal, ModeratorOfSomeChannels):
            await self._lost_desk(reply.guild_id, reply.user.id)

    def _failed(self, reply: Reply, kind: str) -> None:
        self._metrics.discord_failures.labels(kind).inc()
        reply.outcome = f"undelivered.{kind}"
        self._log(reply, logging.WARNING)

    def _log(self, reply: Reply, level: int = logging.INFO) -> None:
        seconds = time.perf_counter() - reply.started
        self._metrics.replies.labels(reply.event, reply.outcome).inc()
        if reply.event == LOOKUP and reply.interaction.guild_id is not None:
            self.activity.count(reply.interaction.guild_id, reply.outcome)
        self._metrics.reply_seconds.observe(seconds)
        if reply.acknowledged is not None:
            self._metrics.acknowledgement_seconds.observe(reply.acknowledged - reply.started)
        log.log(
            level,
            reply.event,
            outcome=reply.outcome,
            milliseconds=round(seconds * 1000),
            guild_id=reply.interaction.guild_id,
            **reply.facts,
        )


async def _in_time(handler: Handler, reply: Reply) -> None:
    """Run a handler; acknowledge the interaction if it takes longer than a fast reply."""
    acknowledging: list[asyncio.Task[None]] = []
    timer = asyncio.get_running_loop().call_later(
        reply.time_for_a_fast_reply(), lambda: acknowledging.append(asyncio.create_task(reply.acknowledge()))
    )
    try:
        await handler(reply)
    finally:
        timer.cancel()
        # A failed acknowledgement is not lost: showing the reply makes the same call again, and reports its error.
        if acknowledging:
            await asyncio.gather(*acknowledging, return_exceptions=True)


def _given_back(written: str, translator: Translator) -> str:
    """Return what the user wrote, to copy from under a refusal, or an empty string if they wrote nothing."""
    if not written.strip():
        return ""
    text = limits.shorten(clean(written, lines=True).replace("`", "'"), LONGEST_GIVEN_BACK)
    quote = "\n".join(f"> {line}" for line in text.split("\n"))
    plain = escape(text) == text and limits.size(quote) <= LONGEST_GIVEN_BACK
    # A code block runs out of its box on a phone, but in it no Markdown takes effect
    block = quote if plain else f"```\n{text}\n```"
    return "\n" + translator.gettext("Here is what you wrote, so you can copy it:") + f"\n{block}"


def _where_to_find(reply: Reply) -> discord.Embed | None:
    """Return where the guild's customers find their order link, or None if the owner has not said so.

    As an embed: the words look as on the panel, and need not fit the refusal's message.
    """
    try:
        where = reply.settings.options.wording.where_to_find
    except (OnlyInServer, StorageUnavailable):
        return None
    title = reply.translator.gettext("Where do I find my order link?")
    return discord.Embed(title=title, description=where, colour=COLOUR) if where else None


def _refusal(error: Exception) -> Refusal:
    if isinstance(error, Refusal):
        return error
    return DiscordFailed() if is_passing(error) else Bug(secrets.token_hex(4))
