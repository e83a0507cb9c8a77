"""Which roles the bot may give, and who may have it give them: nobody gains rights through the bot."""

from collections.abc import Iterable
from typing import Final

import discord

from fileflare_bot.i18n import N_
from fileflare_bot.interactions import permissions
from fileflare_bot.refusal import Refusal, Translated

ROLE_GONE: Final = N_(
    "The role <@&{role}> for buyers does not exist any more: remove its rule with /store roles remove."
)
ROLE_ABOVE: Final = N_(
    "I may not give the role <@&{role}>: it is above mine. In Server Settings > Roles, drag my role above it."
)
NO_MANAGE_ROLES: Final = N_(
    "I may not give the role <@&{role}>: I lack the permission Manage Roles. Give it to my role in Server Settings > "
    "Roles."
)
ROLE_MANAGED: Final = N_(
    "Nobody can give the role <@&{role}>: it belongs to an app or to boosters. Remove its rule with /store roles "
    "remove."
)
ROLE_POWERFUL: Final = N_(
    "I do not give the role <@&{role}> to buyers: it lets its members manage or moderate the server. Take these "
    "permissions off the role, or remove its rule with /store roles remove."
)
_POWERS: Final = {
    "administrator",
    "kick_members",
    "ban_members",
    "moderate_members",
    "mention_everyone",
    "view_audit_log",
    "mute_members",
    "deafen_members",
    "move_members",
}


class RoleOfEverybody(Refusal):
    """Raised when a rule would give buyers the role @everyone."""

    sentence = N_("**Everybody has the role @everyone already.** Choose a role that only buyers get.")


class PowerfulRole(Refusal):
    """Raised when buyers would get a role that lets them manage or moderate the guild."""

    sentence = N_(
        "**Buyers must not get the role {role}.** It has these permissions: {permissions}. Take them off the role, or "
        "choose another."
    )


class ManagedRole(Refusal):
    """Raised when buyers would get a role that Discord lets nobody give."""

    sentence = N_(
        "**Nobody can give the role {role}:** it belongs to an app, to a subscription or to boosters. Make a role for "
        "your buyers under Server Settings > Roles, and choose that."
    )


_NOT_BELOW: Final = N_("It is not below your highest role: ask somebody with Manage Roles whose role is above it.")
_MAY_NOT_MANAGE: Final = N_("You lack the permission Manage Roles: have somebody give it to one of your roles.")


class MayNotGive(Refusal):
    """Raised when somebody would have the bot give a role that they may not give themselves.

    ``manages`` says that they may manage roles, but not this one; ``instead`` is a sentence that says more to them.
    """

    sentence = N_(
        "**You may not give the role {role}, so I do not give it for you.** {why} The server's owner may always."
    )

    def __init__(self, role: str, *, manages: bool, instead: str = "") -> None:
        super().__init__(role=role, why=Translated(_NOT_BELOW if manages else _MAY_NOT_MANAGE))
        self.sentence = instead or self.sentence


def powers(role: discord.Role) -> list[str]:
    """Return the permissions of a role that let its members manage or moderate the guild."""
    return [name for name, granted in role.permissions if granted and (name in _POWERS or name.startswith("manage_"))]


def why_not(guild: discord.Guild, role_id: int) -> str | None:
    """Return the sentence why the bot does not give a role, or None if it can and may."""
    role = guild.get_role(role_id)
    if role is None or role.is_default():
        return ROLE_GONE
    if role.managed:
        return ROLE_MANAGED
    if powers(role):
        return ROLE_POWERFUL
    if not guild.me.guild_permissions.manage_roles:
        return NO_MANAGE_ROLES
    return ROLE_ABOVE if role >= guild.me.top_role else None


def check_for_buyers(guild: discord.Guild, role_ids: Iterable[int]) -> None:
    """Check that buyers may get these roles; one that the guild does not have passes, as nobody can get it.

    Raises:
        RoleOfEverybody: one of them is @everyone.
        ManagedRole: nobody can give one of them.
        PowerfulRole: one of them lets its members manage or moderate the guild.
    """
    for role in filter(None, map(guild.get_role, role_ids)):
        if role.is_default():
            raise RoleOfEverybody
        if role.managed:
            raise ManagedRole(role=role.mention)
        if strong := powers(role):
            raise PowerfulRole(role=role.mention, permissions=permissions.names(strong))


def check_may_give(actor: discord.Member, role_ids: Iterable[int], instead: str = "") -> None:
    """Check that a member may give these roles themselves: they manage roles and stand above each, or own the guild.

    ``instead`` is what a refusal says, with ``{role}``.

    Raises:
        MayNotGive: they may not.
    """
    if actor.id == actor.guild.owner_id:
        return
    for role in filter(None, map(actor.guild.get_role, role_ids)):
        manages = actor.guild_permissions.manage_roles
        if not manages or role >= actor.top_role:
            raise MayNotGive(role.mention, manages=manages, instead=instead)
