"""Access control: every command, button, select and modal is for one audience, which is checked only here."""

import asyncio
import contextlib
from enum import Enum, auto
from typing import Any, Final

import discord

from fileflare_bot.i18n import N_
from fileflare_bot.interactions import permissions
from fileflare_bot.interactions.chosen import check_chosen
from fileflare_bot.refusal import Refusal
from fileflare_bot.storage.errors import StorageUnavailable
from fileflare_bot.storage.guilds import Guilds
from fileflare_bot.storage.records import GuildSettings

LOAD_SECONDS: Final = 2.0  # to read a guild's settings: a modal has to be shown within 3 s
LATEST_SECONDS: Final = 1.0  # that an interaction may arrive late and still be answered in time
MODERATOR_PERMISSIONS: Final = discord.Permissions(manage_messages=True)  # shows moderators' commands by default
OWNER_PERMISSIONS: Final = discord.Permissions(manage_guild=True)


class Audience(Enum):
    """The people that a command or button is for."""

    CUSTOMER = auto()  # anybody, anywhere; the feature checks who owns what
    MODERATOR = auto()  # may manage messages or the server, or has one of the roles that the store owner chose
    OWNER = auto()  # has the permission Manage Server


CUSTOMER: Final = Audience.CUSTOMER
MODERATOR: Final = Audience.MODERATOR
OWNER: Final = Audience.OWNER


class OnlyInServer(Refusal):
    """Raised when something that needs a guild, with the bot in it, is used elsewhere."""

    sentence = N_(
        "**That works in a server only.** Go to the server of the store where you bought, "
        "use /{command} there, and press **{help}**."
    )


class Restarting(Refusal):
    """Raised for interactions that arrive while the bot is stopping, or does not know yet who may do what."""

    sentence = N_("**I am restarting.** Please try again in a minute.")


class NotAModerator(Refusal):
    """Raised when a user who is not a moderator of the guild uses something for moderators."""

    sentence = N_("**Only this server's moderators can do that.**")


class ModeratorOfSomeChannels(Refusal):
    """Raised when a user may manage messages, but only through a channel's own permissions."""

    sentence = N_(
        "**Only this server's moderators can do that.** You may manage messages in this channel only; ask the server's "
        "owner for a moderator role."
    )


class MissingPermission(Refusal):
    """Raised when a user lacks a permission; ``permission`` is its name in Discord's settings."""

    sentence = N_("**Only people with the permission {permission} can do that here.**")


async def admit(interaction: discord.Interaction[Any], audience: Audience, guilds: Guilds) -> None:
    """Check that the user belongs to the audience, and that what they chose is theirs to choose.

    The guild's settings are in memory afterwards, if the database responds. What counts is what the user may do in the
    whole guild: a channel's own permissions are easily given away.

    Raises:
        NotFromHere: they chose a channel, role, member or message of another guild, or a hidden one.
        OnlyInServer: the audience exists only in a guild, and this is not one, or the bot is not in it.
        Restarting: Discord has not told the bot yet which roles and owner the guild has.
        NotAModerator, ModeratorOfSomeChannels: the user is not a moderator of the guild.
        MissingPermission: the user may not manage the guild.
        StorageUnavailable: only the guild's settings tell, and they cannot be read.
    """
    if interaction.guild_id is not None:
        await _load(interaction.guild_id, interaction, guilds)
    if audience is not CUSTOMER:
        _check(interaction, audience, guilds)
    check_chosen(interaction)


def _check(interaction: discord.Interaction[Any], audience: Audience, guilds: Guilds) -> None:
    user, guild = interaction.user, interaction.client.get_guild(interaction.guild_id or 0)
    if interaction.guild_id is None or guild is None or not isinstance(user, discord.Member):
        raise OnlyInServer
    if guild.unavailable:
        raise Restarting
    if audience is OWNER:
        if not user.guild_permissions.manage_guild:
            raise MissingPermission(permission=permissions.names(["manage_guild"]))
        return
    role_ids, settings = [role.id for role in user.roles], guilds.get(interaction.guild_id)
    if not is_moderator(user.guild_permissions, role_ids, settings):
        raise ModeratorOfSomeChannels if is_moderator(interaction.permissions, role_ids, settings) else NotAModerator


async def _load(guild_id: int, interaction: discord.Interaction[Any], guilds: Guilds) -> None:
    """Read the guild's settings; who needs them misses them if that takes too long, and it goes on meanwhile."""
    late = (discord.utils.utcnow() - interaction.created_at).total_seconds()
    with contextlib.suppress(StorageUnavailable, TimeoutError):
        async with asyncio.timeout(LOAD_SECONDS - min(max(late, 0.0), LATEST_SECONDS)):
            await guilds.load(guild_id)


def is_moderator(granted: discord.Permissions, role_ids: list[int], settings: GuildSettings) -> bool:
    """Return whether these permissions in the guild and these roles make a user a moderator."""
    by_permission = granted.administrator or granted.manage_messages or granted.manage_guild
    return by_permission or not set(settings.moderator_role_ids).isdisjoint(role_ids)
