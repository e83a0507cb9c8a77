"""Who is a moderator: whoever may manage messages, or has one of the roles that the store owner chose."""

from typing import Any

import discord

from fileflare_bot.refusal import NotAModerator, OnlyInServer
from fileflare_bot.storage.errors import NoSuchRequest
from fileflare_bot.storage.records import HelpRequest, Server
from fileflare_bot.storage.storage import Storage


def require_moderator(interaction: discord.Interaction[Any], storage: Storage) -> Server:
    """Return the settings of the server in which a moderator does something.

    Raises:
        OnlyInServer: it is no server.
        NotAModerator: they are none of its moderators.
        StorageUnavailable: its settings are not known.
    """
    if interaction.guild_id is None or not isinstance(interaction.user, discord.Member):
        raise OnlyInServer
    server = storage.servers.get(interaction.guild_id)
    if not is_moderator(interaction.permissions, [role.id for role in interaction.user.roles], server):
        raise NotAModerator
    return server


def is_moderator(permissions: discord.Permissions, role_ids: list[int], server: Server) -> bool:
    """Return whether these permissions and roles make a moderator."""
    by_right = permissions.administrator or permissions.manage_messages or permissions.manage_guild
    return by_right or not set(server.moderator_role_ids).isdisjoint(role_ids)


def require_own(request: HelpRequest, server: Server) -> HelpRequest:
    """Return a request, which must be of the server where the button was pressed.

    Raises:
        NoSuchRequest: it is of another one.
    """
    if request.guild_id != server.guild_id:
        raise NoSuchRequest
    return request
