"""The reply to one interaction: its message, the calls that deliver it, and what its handler can ask of it."""

import asyncio
import io
import time
from collections.abc import Awaitable, Callable, Coroutine
from dataclasses import dataclass, field
from typing import Any, Final, NamedTuple, TypeVar, cast

import discord

from fileflare_bot.discord_errors import ALREADY_ACKNOWLEDGED, FAILURES, is_passing, undelivered
from fileflare_bot.fileflare.errors import BadReference
from fileflare_bot.i18n import N_, Translator
from fileflare_bot.interactions.access import OnlyInServer
from fileflare_bot.logs import hide
from fileflare_bot.orders.reference import OrderReference, parse_reference
from fileflare_bot.refusal import Refusal
from fileflare_bot.shielding import shielded
from fileflare_bot.storage.errors import StorageUnavailable
from fileflare_bot.storage.guilds import Guilds
from fileflare_bot.storage.records import GuildSettings

FAST_REPLY_SECONDS: Final = 1.0  # a reply this fast takes one Discord call; a slower one is deferred first
LATEST_FORM_SECONDS: Final = 2.4  # after the interaction: a modal that comes after 3 s is lost
ASK_SECONDS: Final = 1.0  # for what is read before a modal, which Discord must get within 3 s
SESSION_CLOSED: Final = "Session is closed"  # how aiohttp refuses a call after close()

T = TypeVar("T")


class Undelivered(Exception):  # noqa: N818 - says what happened to the reply
    """Raised when a call of the interaction's own failed: its user cannot be reached any more."""

    def __init__(self, kind: str) -> None:
        super().__init__(kind)
        self.kind = kind


class FormTooLate(Refusal):
    """Raised when a modal could not be opened in time."""

    sentence = N_("**I was too slow to open the form.** Please press again.")


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
    arrived: bool = False  # the user has the reply, and not only something to look at until it is there
    _shown: bool = False
    _is_interim: bool = False
    _may_ask: bool = False
    _call: asyncio.Task[None] | None = None
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
        guild: discord.Guild | None = self.interaction.client.get_guild(self.guild_id)
        if guild is None:
            raise OnlyInServer
        return guild

    @property
    def member(self) -> discord.Member:
        """The user as a member of the guild, with the bot in it.

        Raises:
            OnlyInServer: this is not a guild, or the bot is not in it.
        """
        if not isinstance(self.user, discord.Member) or self.user.guild.id != self.guild.id:
            raise OnlyInServer
        return self.user

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
        return str(self._submitted(custom_id).get("value") or "")

    def chosen(self, custom_id: str | None = None) -> list[str]:
        """Return the values chosen in the modal's select or radio group, or in the message's select."""
        found = self._data if custom_id is None else self._submitted(custom_id)
        return [str(value) for value in found.get("values") or filter(None, [found.get("value")])]

    def uploaded(self, custom_id: str) -> dict[str, Any] | None:
        """Return Discord's description of the file in the modal's upload, or None if there is none that it knows."""
        attachments = (self._data.get("resolved") or {}).get("attachments") or {}
        return next((attachments[each] for each in self.chosen(custom_id) if each in attachments), None)

    def reference(self, pasted: str) -> OrderReference:
        """Return the order reference in a pasted text, and hide both in every log line until the reply is done.

        Raises:
            BadReference: there is none.
        """
        self.hide(pasted)
        reference = parse_reference(pasted)
        if not isinstance(reference, OrderReference):
            raise BadReference(reference, in_server=self.interaction.guild_id is not None)
        self.hide(reference.token)
        return reference

    def hide(self, *secrets: str) -> None:
        """Hide these values, in small letters too, in every log line until the reply is done."""
        hide(*secrets, *map(str.lower, secrets))

    async def show(self, message: ReplyMessage) -> None:
        """Send the reply, or replace the message that the button is part of."""
        await self._finish(self._show(message))

    async def show_for_now(self, message: ReplyMessage, *, stays: bool = False) -> None:
        """Show something until the reply is there; a refusal replaces it too, unless it ``stays``."""
        await self._finish(self._show_for_now(message, stays=stays))

    async def update(self, message: ReplyMessage) -> None:
        """Replace the message that the button is part of, before the reply is told; a failure is only logged."""
        try:
            await self.show_for_now(message, stays=True)
        except (Undelivered, discord.HTTPException) as error:
            self.facts["not_updated"] = type(error).__name__

    async def tell(self, message: ReplyMessage) -> None:
        """Send a notice, as a message of its own: what is shown already stays, and may take no text (Components V2)."""
        await self._finish(self._tell(message))

    async def before_asking(self, reading: Awaitable[T]) -> T | None:
        """Return what is read from the database, or None if it does not answer within a second.

        The reply is not deferred meanwhile, so that a modal can still be the first response.
        """
        self._may_ask = True
        try:
            async with asyncio.timeout(min(ASK_SECONDS, LATEST_FORM_SECONDS - (time.perf_counter() - self.started))):
                return await reading
        except (StorageUnavailable, TimeoutError):
            return None

    async def ask(self, modal: discord.ui.Modal) -> None:
        """Open a modal; it can only be the first response.

        Raises:
            FormTooLate: the reply took so long that it was acknowledged.
        """
        await self._finish(self._ask(modal))

    async def acknowledge(self) -> None:
        """Defer the reply; the user sees "thinking…" meanwhile."""
        await self._finish(self._acknowledge())

    async def settle(self) -> None:
        """Wait for the call that a cancellation left under way: only then is known whether the reply ``arrived``.

        Raises:
            Undelivered: it was the reply's, and failed for good; Discord may have carried it out all the same.
        """
        if self._call is None:
            return
        await asyncio.wait([self._call])
        if self._shown and not self._call.cancelled() and isinstance(lost := self._call.exception(), Undelivered):
            raise lost

    def time_for_a_fast_reply(self) -> float:
        """Return the seconds left for a fast reply; a wrong clock can only make it defer early."""
        age = (discord.utils.utcnow() - self.interaction.created_at).total_seconds()
        return FAST_REPLY_SECONDS - min(max(age, 0.0), FAST_REPLY_SECONDS)

    @property
    def _data(self) -> dict[str, Any]:
        return cast("dict[str, Any]", self.interaction.data or {})

    def _submitted(self, custom_id: str) -> dict[str, Any]:
        """Return the modal's input of this custom_id, wherever Discord nests it; empty if there is none."""
        waiting = list(self._data.get("components") or ())
        while waiting:
            component: dict[str, Any] = waiting.pop()
            if component.get("custom_id") == custom_id:
                return component
            waiting += [*(component.get("components") or ()), *filter(None, [component.get("component")])]
        return {}

    async def _finish(self, call: Coroutine[Any, Any, None]) -> None:
        """Make a call that a cancellation of the handler does not cut off: Discord may have carried it out already."""
        self._call = asyncio.create_task(call)
        await shielded(self._call)

    async def _show(self, message: ReplyMessage) -> None:
        response = self.interaction.response
        async with self._sending:
            self._shown, self._is_interim = True, False
            if self.acknowledged is not None:
                await self._edit(message)
            elif self.updates:
                await self._respond(lambda: response.edit_message(**message.for_editing()))
            else:
                await self._respond(lambda: response.send_message(**message.for_sending(), ephemeral=True))
            self.arrived = True

    async def _show_for_now(self, message: ReplyMessage, *, stays: bool) -> None:
        shown_before = self._shown
        try:
            await self._show(message)
        finally:
            self._shown, self._is_interim, self.arrived = shown_before, not stays, False

    async def _tell(self, message: ReplyMessage) -> None:
        response = self.interaction.response
        async with self._sending:
            if self.acknowledged is None:
                await self._respond(lambda: response.send_message(**message.for_sending(), ephemeral=True))
            elif (self.updates or self._shown) and not self._is_interim:
                # tried once: after a lost response, a second try would say it twice
                await _deliver(lambda: self.interaction.followup.send(**message.for_sending(), ephemeral=True), tries=1)
            else:
                await self._edit(message)
            self.arrived = True

    async def _ask(self, modal: discord.ui.Modal) -> None:
        async with self._sending:
            if self.acknowledged is not None:
                raise FormTooLate
            await self._respond(lambda: self.interaction.response.send_modal(modal))
            self.arrived = True

    async def _acknowledge(self) -> None:
        response = self.interaction.response
        async with self._sending:
            if self.acknowledged is not None or self._may_ask:
                return
            if self.updates:
                await self._respond(response.defer)
            else:
                await self._respond(lambda: response.defer(ephemeral=True, thinking=True))

    async def _edit(self, message: ReplyMessage) -> None:
        await _deliver(lambda: self.interaction.edit_original_response(**message.for_editing()))

    async def _respond(self, first: Callable[[], Awaitable[object]]) -> None:
        """Send the first response. Retrying is safe: Discord answers 40060 if the first try arrived."""
        await _deliver(first, arrived=ALREADY_ACKNOWLEDGED)
        self.acknowledged = time.perf_counter()


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
        except RuntimeError as error:
            if str(error) != SESSION_CLOSED:
                raise
            raise Undelivered("stopped") from error  # it outlived the last moments of a stop
        else:
            return
