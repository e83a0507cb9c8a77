"""Replies to every interaction: acknowledges it in time, replies once, or refuses in a sentence.

Commands, buttons and modals all go through :meth:`Responder.respond`, so each is checked for its audience,
acknowledged within Discord's 3 seconds, counted while it runs, logged in one line, and never left without a reply.
"""

import asyncio
import io
import logging
import secrets
import time
from collections.abc import Awaitable, Callable
from dataclasses import dataclass, field
from typing import Any, Final, NamedTuple

import discord
import structlog

from fileflare_bot import discord_limits as limits
from fileflare_bot.discord_errors import ALREADY_ACKNOWLEDGED, FAILURES, is_passing, undelivered
from fileflare_bot.i18n import N_, Catalogs, Translator
from fileflare_bot.interactions import components
from fileflare_bot.interactions.access import Audience, OnlyInServer, admit
from fileflare_bot.interactions.activity import Activity
from fileflare_bot.logs import hide, hiding
from fileflare_bot.metrics import Metrics
from fileflare_bot.refusal import Bug, Refusal
from fileflare_bot.storage.guilds import Guilds
from fileflare_bot.storage.records import GuildSettings
from fileflare_bot.text import clean

FAST_REPLY_SECONDS: Final = 1.0  # a reply this fast takes one Discord call; a slower one is deferred first
LAST_WORDS_SECONDS: Final = 2.0  # to tell users whose replies are cut off when the bot stops
LONGEST_GIVEN_BACK: Final = 1500  # characters; with the longest refusal they fit a message's 2000
LOOKUP: Final = "lookup"  # the event that a guild's activity counts

log = structlog.stdlib.get_logger(__name__)


class Restarting(Refusal):
    """Raised for interactions that arrive while the bot is stopping."""

    sentence = N_("**I am restarting.** Please try again in a minute.")
    outcome = "restarting"


class DiscordFailed(Refusal):
    """Shown when a handler's call to Discord failed in a way that may pass."""

    sentence = N_("**Discord had a problem, so I could not finish this.** See what is done already, then try again.")
    outcome = "discord_failed"
    level = logging.WARNING


class Undelivered(Exception):  # noqa: N818 - says what happened to the reply
    """Raised when a call of the interaction's own failed: its user cannot be reached any more."""

    def __init__(self, kind: str) -> None:
        super().__init__(kind)
        self.kind = kind


class File(NamedTuple):
    """A file to attach. Each attempt to send it makes a new discord.File: sending closes one."""

    name: str
    content: bytes


@dataclass(frozen=True, slots=True)
class ReplyMessage:
    """What a reply shows: always ephemeral, with mentions switched off."""

    content: str
    embed: discord.Embed | None = None
    view: discord.ui.View | discord.ui.LayoutView | None = None
    file: File | None = None

    def for_sending(self) -> dict[str, Any]:
        """Return the arguments of discord.py's sending methods, which do not accept None."""
        given = {
            "content": self.content or None,
            "embed": self.embed,
            "view": self.view,
            "files": self._files() or None,
        }
        return {name: value for name, value in given.items() if value is not None}

    def for_editing(self) -> dict[str, Any]:
        """Return the arguments of discord.py's editing methods, for which None removes the old value."""
        if isinstance(self.view, discord.ui.LayoutView):  # whose messages have neither content nor embeds
            return {"view": self.view}
        return {"content": self.content, "embed": self.embed, "view": self.view, "attachments": self._files()}

    def _files(self) -> list[discord.File]:
        return [] if self.file is None else [discord.File(io.BytesIO(self.file.content), self.file.name)]


Offer = Callable[[Exception, Refusal, Translator], discord.ui.View | None]


@dataclass(slots=True)
class Reply:
    """The reply to one interaction, and what its handler needs to know about the interaction.

    A refusal shows ``written`` for the user to copy, so nobody has to write it twice, and the buttons of ``offer``.
    """

    interaction: discord.Interaction[Any]
    translator: Translator
    event: str
    updates: bool
    guilds: Guilds
    written: str = field(default="", repr=False)
    offer: Offer | None = None
    outcome: str = "answered"
    facts: dict[str, Any] = field(default_factory=dict)
    started: float = field(default_factory=time.perf_counter)
    acknowledged: float | None = None
    _sending: asyncio.Lock = field(default_factory=asyncio.Lock)

    @property
    def user(self) -> discord.User | discord.Member:
        """The user of the interaction."""
        return self.interaction.user

    @property
    def guild_id(self) -> int:
        """The guild's ID.

        Raises:
            OnlyInServer: this is not a guild.
        """
        if self.interaction.guild_id is None:
            raise OnlyInServer
        return self.interaction.guild_id

    @property
    def guild(self) -> discord.Guild:
        """The guild, with the bot in it.

        Raises:
            OnlyInServer: this is not a guild, or the bot is not in it.
        """
        guild = self.interaction.guild
        if guild is None or guild.me is None:
            raise OnlyInServer
        return guild

    @property
    def settings(self) -> GuildSettings:
        """The guild's settings.

        Raises:
            OnlyInServer: this is not a guild.
            StorageUnavailable: they are not known yet.
        """
        return self.guilds.get(self.guild_id)

    def typed(self, custom_id: str) -> str:
        """Return the text in the modal's input of this custom_id, or an empty string."""
        return components.typed(self.interaction, custom_id)

    def chosen(self, custom_id: str | None = None) -> list[str]:
        """Return the values chosen in the modal's select of this custom_id, or in the message's select."""
        return components.chosen(self.interaction, custom_id)

    def hide(self, *secrets: str) -> None:
        """Hide these values in every log line until the reply is done."""
        hide(*secrets)

    async def show(self, message: ReplyMessage) -> None:
        """Send the reply, or replace the message that the button is part of."""
        response = self.interaction.response
        async with self._sending:
            if self.acknowledged is not None:
                await self._edit(message)
            elif self.updates:
                await self._respond(lambda: response.edit_message(**message.for_editing()))
            else:
                await self._respond(lambda: response.send_message(**message.for_sending(), ephemeral=True))

    async def tell(self, message: ReplyMessage) -> None:
        """Send a notice, and leave the message that the button is part of unchanged."""
        response = self.interaction.response
        async with self._sending:
            if self.acknowledged is None:
                await self._respond(lambda: response.send_message(**message.for_sending(), ephemeral=True))
            elif self.updates:  # tried once: after a lost response, a second try would say it twice
                await _deliver(lambda: self.interaction.followup.send(**message.for_sending(), ephemeral=True), tries=1)
            else:
                await self._edit(message)

    async def ask(self, modal: discord.ui.Modal) -> None:
        """Open a modal; it can only be the first response."""
        async with self._sending:
            await self._respond(lambda: self.interaction.response.send_modal(modal))

    async def acknowledge(self) -> None:
        """Defer the reply; the user sees "thinking…" meanwhile."""
        response = self.interaction.response
        async with self._sending:
            if self.acknowledged is not None:
                return
            if self.updates:
                await self._respond(response.defer)
            else:
                await self._respond(lambda: response.defer(ephemeral=True, thinking=True))

    def time_for_a_fast_reply(self) -> float:
        """Return the seconds left for a fast reply; a wrong clock can only make it defer early."""
        age = (discord.utils.utcnow() - self.interaction.created_at).total_seconds()
        return FAST_REPLY_SECONDS - min(max(age, 0.0), FAST_REPLY_SECONDS)

    async def _edit(self, message: ReplyMessage) -> None:
        await _deliver(lambda: self.interaction.edit_original_response(**message.for_editing()))

    async def _respond(self, first: Callable[[], Awaitable[object]]) -> None:
        """Send the first response. Retrying is safe: Discord answers 40060 if the first try arrived."""
        await _deliver(first, arrived=ALREADY_ACKNOWLEDGED)
        self.acknowledged = time.perf_counter()


Handler = Callable[[Reply], Awaitable[None]]


async def _deliver(call: Callable[[], Awaitable[object]], *, tries: int = 2, arrived: int | None = None) -> None:
    """Make a call of the interaction's own, and make it again after a passing failure on which discord.py gave up.

    Raises:
        Undelivered: the user cannot be reached.
        discord.HTTPException: Discord rejects what the call sends.
    """
    for number in range(1, tries + 1):
        try:
            await call()
        except FAILURES as error:
            if number > 1 and isinstance(error, discord.HTTPException) and error.code == arrived:
                return
            if number < tries and is_passing(error):
                continue
            if kind := undelivered(error):
                raise Undelivered(kind) from error
            raise
        else:
            return


class Responder:
    """Runs the handlers, and keeps track of those still running."""

    def __init__(self, catalogs: Catalogs, guilds: Guilds, metrics: Metrics) -> None:
        self._catalogs = catalogs
        self._guilds = guilds
        self._metrics = metrics
        self.activity = Activity()
        self._running: set[asyncio.Task[Any]] = set()
        self._stopping = False

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
                if self._stopping:
                    raise Restarting  # noqa: TRY301 - _refuse below says it
                admit(interaction, audience, self._guilds)
                await _in_time(handler, reply)
            except Exception as error:  # noqa: BLE001 - every error must reach the person and the log
                await self._refuse(reply, error)
            except asyncio.CancelledError:
                if not self._stopping:
                    raise
                await self._refuse(reply, Restarting())
            else:
                self._log(reply)
            finally:
                self._running.discard(task)

    async def refuse(self, interaction: discord.Interaction[Any], event: str, error: Exception) -> None:
        """Refuse an interaction that has no handler."""

        async def fail(_reply: Reply) -> None:
            raise error

        await self.respond(interaction, fail, event, Audience.CUSTOMER)

    async def drain(self, seconds: float) -> int:
        """Refuse new interactions, let running replies finish, and return how many did not finish in time.

        The users of those are told to try again.
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
        try:
            await reply.tell(ReplyMessage(text, view=view))
        except Exception as failure:  # noqa: BLE001 - nothing is left but the log
            reply.facts.setdefault("exc_info", failure)
            self._failed(reply, failure.kind if isinstance(failure, Undelivered) else "rejected")
        else:
            self._log(reply, refusal.level)

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
    return "\n" + translator.gettext("What you wrote, to be copied:") + f"\n```\n{text}\n```"


def _refusal(error: Exception) -> Refusal:
    if isinstance(error, Refusal):
        return error
    return DiscordFailed() if is_passing(error) else Bug(secrets.token_hex(4))
