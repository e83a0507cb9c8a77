"""Keeps moderator roles and the role to ping apart from buyers' roles: what buyers get must not make moderators."""

from collections.abc import Collection, Iterable, Iterator
from typing import Final

import discord

from fileflare_bot.i18n import N_, Translator
from fileflare_bot.refusal import Refusal, Translated
from fileflare_bot.storage.options import Options
from fileflare_bot.storage.records import GuildSettings

_EVERYBODY: Final = N_("everybody has it")
_BUYERS: Final = N_("buyers get it, by a rule in /store roles")
_FORMER_BUYERS: Final = N_("buyers have it from me, though no rule in /store roles gives it any more")
_MANAGED: Final = N_("Discord gives it by itself, to an app, to subscribers or to boosters")


class NotForModerators(Refusal):
    """Raised when a chosen moderator role is one that everybody, buyers, an app, subscribers or boosters have."""

    sentence = N_(
        "**The role {role} cannot be a moderator role:** {why}. Nothing was changed. Choose a role that only your team "
        "has; make one under Server Settings > Roles."
    )


class MakesModerators(Refusal):
    """Raised when buyers would get a moderator role."""

    sentence = N_(
        "**Buyers must not get the role {role}:** it is a moderator role, so every buyer would be a moderator. Choose "
        "another role, or take this one off the moderator roles in /store setup first."
    )


class PingsBuyers(Refusal):
    """Raised when the role that help requests ping would be one that buyers get."""

    sentence = N_(
        "**The role {role} cannot be both the role to ping and a role for buyers:** each help request would ping all "
        "of them. Nothing was changed. Choose another role."
    )


def check_ping_role(role_id: int | None, options: Options) -> None:
    """Check that help requests do not ping a role that buyers get.

    Raises:
        PingsBuyers: they would.
    """
    if role_id in options.buyers_role_ids:
        raise PingsBuyers(role=f"<@&{role_id}>")


def check_moderator_roles(
    guild: discord.Guild, role_ids: Iterable[int], options: Options, given: Collection[int]
) -> None:
    """Check that these roles may make moderators; ``given`` are those that the bot has given to buyers.

    Raises:
        NotForModerators: one of them may not.
    """
    for role_id in role_ids:
        if why := _why_not(guild, role_id, options, given):
            raise NotForModerators(role=f"<@&{role_id}>", why=Translated(why))


def check_makes_no_moderators(role_ids: Iterable[int], moderator_role_ids: Collection[int]) -> None:
    """Check that buyers get none of the moderator roles by these roles of theirs.

    Raises:
        MakesModerators: one of them is a moderator role.
    """
    for role_id in role_ids:
        if role_id in moderator_role_ids:
            raise MakesModerators(role=f"<@&{role_id}>")


def unsafe_roles(
    guild: discord.Guild, settings: GuildSettings, translator: Translator, given: Collection[int]
) -> Iterator[str]:
    """Yield a sentence for each moderator role that must not be one, stored before that was refused."""
    for role_id in settings.moderator_role_ids:
        if why := _why_not(guild, role_id, settings.options, given):
            yield translator.gettext(
                "**NOT SAFE: {role} is a moderator role, but {why}.** Whoever has it can open customers' orders in the "
                "help desk. Take it off the moderator roles in /store setup now.",
                role=f"<@&{role_id}>",
                why=translator.gettext(why),
            )


def _why_not(guild: discord.Guild, role_id: int, options: Options, given: Collection[int]) -> str | None:
    role = guild.get_role(role_id)
    if role is not None and role.is_default():
        return _EVERYBODY
    if role_id in options.buyers_role_ids:
        return _BUYERS
    if role is not None and role_id in given:
        return _FORMER_BUYERS
    return _MANAGED if role is not None and role.managed else None
