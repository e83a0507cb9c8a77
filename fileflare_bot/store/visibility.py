"""Who can see a channel: everybody, or at least the store's customers."""

import discord

from fileflare_bot.i18n import N_
from fileflare_bot.refusal import Refusal
from fileflare_bot.roles.rights import powers
from fileflare_bot.storage.records import GuildSettings


class OpenToCustomers(Refusal):
    """Raised when an owner chooses a support or log channel that everybody can read."""

    sentence = N_(
        "**Customers can read {channel}.** Nothing was changed. Choose a channel that only your team sees. Or, if "
        "customers do not need this one, close it first: in its settings > Permissions, switch View Channel off for "
        "@everyone, and on for your moderators and me."
    )


class NotForCustomers(Refusal):
    """Raised when an owner posts the panel in the support or log channel."""

    sentence = N_(
        "**{channel} is your support or log channel, so I do not post the panel there.** Choose a channel that your "
        "customers see."
    )


def check_is_closed(guild: discord.Guild, channel_id: int | None) -> None:
    """Check that a channel for the team is closed to everybody else.

    Raises:
        OpenToCustomers: everybody can.
    """
    if channel_id is not None and everybody_can_read(guild, channel_id):
        raise OpenToCustomers(channel=f"<#{channel_id}>")


def is_of_team(channel: object, settings: GuildSettings) -> bool:
    """Return whether this is the support or log channel, or a thread below one of them."""
    where = {getattr(channel, "id", None), getattr(channel, "parent_id", None)} - {None}
    return not where.isdisjoint({settings.support_channel_id, settings.log_channel_id})


def everybody_can_read(guild: discord.Guild, channel_id: int) -> bool:
    """Return whether @everyone can view a channel; False for one that is gone."""
    channel = guild.get_channel(channel_id)
    return channel is not None and channel.permissions_for(guild.default_role).view_channel


def customers_can_see(guild: discord.Guild, settings: GuildSettings, channel_id: int) -> bool:
    """Return whether a channel or thread can be viewed with a role that is no moderator's, such as @everyone.

    What is not known passes: Discord's cache lacks archived threads.
    """
    channel = guild.get_channel_or_thread(channel_id)
    if channel is None or (isinstance(channel, discord.Thread) and channel.parent is None):
        return True
    if isinstance(channel, discord.Thread) and channel.is_private():
        return False
    return any(
        channel.permissions_for(role).view_channel
        for role in guild.roles
        if role.is_default() or not (role.managed or role.id in settings.moderator_role_ids or powers(role))
    )
