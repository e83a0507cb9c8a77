"""Changes to a guild's settings: in the database, in the log channel, and in the leak guard's rule."""

from collections.abc import Callable
from typing import Any, TypeVar

import discord
from pydantic import BaseModel, ValidationError

from fileflare_bot.background import soon
from fileflare_bot.i18n import N_
from fileflare_bot.leak_guard import GuardState, LeakGuard
from fileflare_bot.modlog import ModLog
from fileflare_bot.refusal import Refusal
from fileflare_bot.storage.guilds import Guilds
from fileflare_bot.storage.options import Options, Wording
from fileflare_bot.storage.records import CannedAnswer, GuildSettings
from fileflare_bot.text import clean, escape

M = TypeVar("M", bound=BaseModel)


class WrongValue(Refusal):
    """Raised when a setting's value is invalid; ``where`` names the setting, ``why`` says what it should be."""

    sentence = N_("**Nothing was changed:** {where} cannot be that ({why}).")
    outcome = "wrong_value"

    def __init__(self, where: str, why: str) -> None:
        super().__init__("wrong value", where=f"`{clean(where)[:80]}`", why=escape(clean(why)[:200]))


class StoreSettings:
    """Changes the settings of guilds for their owners."""

    def __init__(self, guilds: Guilds, modlog: ModLog, leak_guard: LeakGuard) -> None:
        self._guilds = guilds
        self._modlog = modlog
        self._leak_guard = leak_guard

    async def change(self, guild: discord.Guild, actor_id: int, **changed: Any) -> tuple[GuildSettings, GuardState]:  # noqa: ANN401 - fields of GuildSettings
        """Store channels or roles, and return the settings with the state of the leak guard."""
        settings = await self._guilds.change(guild.id, actor_id, **changed)
        return settings, await self._apply(guild)

    async def change_options(
        self, guild: discord.Guild, actor_id: int, change: Callable[[Options], Options]
    ) -> tuple[GuildSettings, GuardState]:
        """Change the options, and return the settings with the state of the leak guard.

        No other change comes between. What ``change`` raises changes nothing.
        """
        settings = await self._guilds.change_options(guild.id, actor_id, change)
        return settings, await self._apply(guild)

    async def replace(
        self, guild: discord.Guild, actor_id: int, settings: dict[str, Any], canned_answers: tuple[CannedAnswer, ...]
    ) -> GuardState:
        """Replace the guild's settings and canned answers, all or none; return the state of the leak guard."""
        await self._guilds.replace(guild.id, actor_id, settings, canned_answers)
        return await self._apply(guild)

    async def _apply(self, guild: discord.Guild) -> GuardState:
        """Bring Discord in line with the settings; what takes too long goes on meanwhile."""
        state = GuardState.PENDING

        async def guard() -> None:
            nonlocal state
            state = await self._leak_guard.ensure(guild)

        await soon(guard(), self._modlog.post_lines(guild.id))
        return state


def with_values(**changed: Any) -> Callable[[Options], Options]:  # noqa: ANN401 - fields of Options
    """Return a change of options to these values; it raises WrongValue if one is invalid."""
    return lambda options: validated(Options, options.model_dump() | changed)


def validated(model: type[M], values: dict[str, Any]) -> M:
    """Build a model from these values.

    Raises:
        WrongValue: a value is invalid; the error's text does not contain it.
    """
    try:
        return model.model_validate(values)
    except ValidationError as error:
        raise wrong_value(error) from None


def wrong_value(error: ValidationError) -> WrongValue:
    """Return the refusal that names the first invalid value, without repeating it."""
    first = error.errors(include_url=False, include_input=False)[0]
    where = ".".join(str(part) for part in first["loc"])
    return WrongValue(where or "file", str(first["msg"]).removeprefix("Value error, "))


def parsed_wording(given: dict[str, str], where: str) -> Wording:
    """Return the panel's wording; the first line of ``where`` may be the store's account address.

    Raises:
        WrongValue: one of the texts is invalid.
    """
    address, _, text = where.partition("\n") if where.startswith("https://") else ("", "", where)
    return validated(Wording, {**given, "account_url": address.strip(), "where": text.strip()})
