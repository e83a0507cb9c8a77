"""Routes interactions to their handlers.

``@replies`` makes a cog's method an entry point: it names the event for the log and the metrics, and the audience,
and hands the method its :class:`Reply`. ``@route`` says which custom_ids lead to it. Buttons, selects and modals are
routed by their custom_id alone, so they survive a restart: discord.py keeps no view and no modal for them.
"""

import asyncio
import re
from collections.abc import Awaitable, Callable, Coroutine, Iterator
from functools import wraps
from typing import Any, Concatenate, Final, ParamSpec, TypeVar

import discord
import structlog
from discord import app_commands
from discord.ext import commands

from fileflare_bot.i18n import N_
from fileflare_bot.interactions.access import CUSTOMER, Audience, admit
from fileflare_bot.interactions.reply import Reply
from fileflare_bot.refusal import NextStep, Refusal

C = TypeVar("C", bound=commands.Cog)
P = ParamSpec("P")
Handle = Callable[Concatenate[C, Reply, P], Coroutine[Any, Any, None]]
Entry = Callable[Concatenate[C, discord.Interaction[Any], P], Coroutine[Any, Any, None]]
Choices = list[app_commands.Choice[str]]
Suggest = Callable[[C, discord.Interaction[Any], str], Coroutine[Any, Any, Choices]]
Bound = Callable[..., Awaitable[None]]  # an entry point of a loaded cog
M = TypeVar("M", bound=Bound)
SUGGEST_SECONDS: Final = 2.5  # Discord waits 3 s for suggestions
_PATTERNS: Final = "__custom_ids__"
_AUDIENCE: Final = "__audience__"

log = structlog.stdlib.get_logger(__name__)


class ListExpired(Refusal):
    """Raised when a button belongs to a list that has expired, for example after a restart."""

    sentence = N_("**This list is no longer live.** Use /{command} or press **{button}** for a new one.")
    next_step = NextStep.ASK


def replies(event: str, audience: Audience, *, updates: bool = False) -> Callable[[Handle[C, P]], Entry[C, P]]:
    """Turn a method that takes a Reply into an entry point for discord.py, which reads the method's own signature.

    With ``updates``, the reply replaces the message that the button or select is part of.
    """

    def decorate(method: Handle[C, P]) -> Entry[C, P]:
        @wraps(method)
        async def entry(cog: C, interaction: discord.Interaction[Any], /, *args: P.args, **kwargs: P.kwargs) -> None:
            async def handler(reply: Reply) -> None:
                await method(cog, reply, *args, **kwargs)

            responder = interaction.client.responder
            if responder.is_new(interaction):
                await responder.respond(interaction, handler, event, audience, updates=updates)

        setattr(entry, _AUDIENCE, audience)
        return entry

    return decorate


def suggests(audience: Audience) -> Callable[[Suggest[C]], Suggest[C]]:
    """Turn a method into an autocomplete for one audience.

    Everybody else gets no suggestions, nor does anybody while something is away, late or broken: they can type on.
    """

    def decorate(method: Suggest[C]) -> Suggest[C]:
        @wraps(method)
        async def entry(cog: C, interaction: discord.Interaction[Any], current: str) -> Choices:
            try:
                async with asyncio.timeout(SUGGEST_SECONDS):
                    if audience is not CUSTOMER:
                        await admit(interaction, audience, interaction.client.storage.guilds)
                    return await method(cog, interaction, current)
            except (Refusal, TimeoutError) as refusal:
                log.info("no_suggestions", why=type(refusal).__name__, guild_id=interaction.guild_id)
            except Exception:  # a bug: logged with its frames, while the person can type on
                log.exception("suggestions_failed", guild_id=interaction.guild_id)
            return []

        setattr(entry, _AUDIENCE, audience)
        return entry

    return decorate


def audience_of(entry: object) -> Audience | None:
    """Return the audience that an entry point declares, or None if it declares none."""
    declared: Audience | None = getattr(entry, _AUDIENCE, None)
    return declared


def route(*patterns: str) -> Callable[[M], M]:
    """Route every custom_id that matches one of these patterns to a method; named groups become its arguments.

    The first pattern matches the custom_ids of this version; the others match those of earlier versions.
    """

    def mark(method: M) -> M:
        setattr(method, _PATTERNS, tuple(re.compile(pattern) for pattern in patterns))
        return method

    return mark


class Routes:
    """All handlers of buttons, selects and modals."""

    def __init__(self) -> None:
        self._routes: list[tuple[re.Pattern[str], Bound]] = []

    def __iter__(self) -> Iterator[tuple[re.Pattern[str], Bound]]:
        return iter(self._routes)

    def add(self, cog: object) -> None:
        """Add the marked methods of a cog."""
        for name in dir(type(cog)):
            for pattern in getattr(getattr(type(cog), name), _PATTERNS, ()):
                self._routes.append((pattern, getattr(cog, name)))

    def find(self, custom_id: str) -> tuple[Bound, dict[str, str]] | None:
        """Return the handler and its arguments, or None for an unknown custom_id."""
        for pattern, entry in self._routes:
            if match := pattern.fullmatch(custom_id):
                return entry, match.groupdict(default="")
        return None
