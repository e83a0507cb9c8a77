"""Checks of a guild's setup: one line each, with what is missing and how to fix it."""

from collections.abc import AsyncIterator, Iterator
from typing import Final

import discord

from fileflare_bot.fileflare.errors import FileflareUnavailable
from fileflare_bot.fileflare.lookups import Lookups
from fileflare_bot.fileflare.request_queue import Requester
from fileflare_bot.i18n import N_, Translator
from fileflare_bot.interactions import permissions
from fileflare_bot.leak_guard import GAVE_UP, GuardState, LeakGuard
from fileflare_bot.roles.rights import why_not
from fileflare_bot.storage.options import Options
from fileflare_bot.storage.records import GuildSettings

GOOD: Final = "✅"
WARNING: Final = "⚠️"
GUARD_STATES: Final = {
    GuardState.OFF: N_("The leak guard is off."),
    GuardState.ON: N_("The leak guard is on."),
    GuardState.PENDING: N_(
        "The setting is saved, but Discord has not taken the leak guard's rule yet. The rule follows by itself."
    ),
    GuardState.NO_PERMISSION: N_("The leak guard needs the permission Manage Server: give it to my role."),
    GuardState.NO_ROOM: N_(
        "The leak guard has no room: Discord allows 6 keyword rules. Delete one under Server Settings > AutoMod."
    ),
    GuardState.REFUSED: N_("Discord did not take the leak guard's rule. Press Check in a few minutes."),
    GuardState.GAVE_UP: GAVE_UP,
}


async def tried(
    guild: discord.Guild,
    settings: GuildSettings,
    translator: Translator,
    *,
    lookups: Lookups,
    leak_guard: LeakGuard,
    owner_id: int,
) -> AsyncIterator[str]:
    """Test the whole setup for real, and yield a line for each check."""
    try:
        await lookups.probe(Requester(owner_id, guild.id))
        yield f"{GOOD} " + translator.gettext("Fileflare answers.")
    except FileflareUnavailable:
        yield f"{WARNING} " + translator.gettext("Fileflare does not answer. Try again in a few minutes.")
    yield support_line(guild, settings, translator)
    for channel_id in filter(None, (settings.support_channel_id, settings.log_channel_id)):
        yield await _written(guild, channel_id, translator)
    if settings.ping_role_id is not None:
        yield ping_line(guild, settings, translator)
    for line in role_lines(guild, settings, translator):
        yield line
    if settings.options.leak_guard:
        if leak_guard.has_given_up(guild.id):
            yield f"{WARNING} " + translator.gettext(
                "I had stopped putting the leak guard's rule back, because somebody changed or deleted it again and "
                "again. The server's audit log shows who."
            )
        state = await leak_guard.ensure(guild)
        yield (f"{GOOD} " if state is GuardState.ON else f"{WARNING} ") + translator.gettext(GUARD_STATES[state])


def looked_at(guild: discord.Guild, settings: GuildSettings, translator: Translator) -> Iterator[str]:
    """Yield a line for each permission check, without trying anything."""
    yield support_line(guild, settings, translator)
    if settings.log_channel_id is not None:
        yield log_line(guild, settings, translator)
    if settings.ping_role_id is not None:
        yield ping_line(guild, settings, translator)
    yield from role_lines(guild, settings, translator)
    yield translator.gettext("Press Check in /store setup to test it.")


def guard_state(guild: discord.Guild, settings: GuildSettings, leak_guard: LeakGuard) -> GuardState:
    """Return the state of the leak guard, as far as it is known without asking Discord."""
    if not settings.options.leak_guard:
        return GuardState.OFF
    if not guild.me.guild_permissions.manage_guild:
        return GuardState.NO_PERMISSION
    if settings.leak_rule_id is None:
        return GuardState.PENDING
    return GuardState.GAVE_UP if leak_guard.has_given_up(guild.id) else GuardState.ON


def support_line(guild: discord.Guild, settings: GuildSettings, translator: Translator) -> str:
    """Return whether the support channel is usable, and what is missing there."""
    if settings.support_channel_id is None:
        text = translator.gettext("**No support channel yet:** customers are told to ask the server's owner.")
        return f"{WARNING} {text}"
    name = translator.gettext("Support channel")
    needed = permissions.SUPPORT_CHANNEL + (("attach_files",) if settings.options.help_screenshots else ())
    line = _channel_line(guild, settings.support_channel_id, needed, name, translator)
    channel = guild.get_channel(settings.support_channel_id)
    if channel is not None and channel.permissions_for(guild.default_role).view_channel:
        warning = translator.gettext(
            "Everybody can read this channel. Let only moderators and me view it: customers write there."
        )
        line = f"{WARNING} {warning}\n{line}"
    return line


def log_line(guild: discord.Guild, settings: GuildSettings, translator: Translator) -> str:
    """Return whether the log channel is usable, and what is missing there."""
    if settings.log_channel_id is None:
        return translator.gettext("**No log channel:** nothing is posted. What moderators do is kept all the same.")
    name = translator.gettext("Log channel")
    return _channel_line(guild, settings.log_channel_id, permissions.LOG_CHANNEL, name, translator)


def ping_line(guild: discord.Guild, settings: GuildSettings, translator: Translator) -> str:
    """Return whether the bot can ping the role for new tickets, and what is missing."""
    if settings.ping_role_id is None:
        return translator.gettext("**No role to ping:** nobody is pinged.")
    role = guild.get_role(settings.ping_role_id)
    if role is None:
        return f"{WARNING} " + translator.gettext("The role to ping does not exist any more: choose another.")
    channel = guild.get_channel(settings.support_channel_id or 0)
    may = channel is not None and channel.permissions_for(guild.me).mention_everyone
    if role.mentionable or may:
        return f"{GOOD} " + translator.gettext("Role to ping") + f": {role.mention}"
    warning = translator.gettext("I cannot ping this role: allow everybody to mention it in its settings.")
    return f"{WARNING} {role.mention}: {warning}"


def role_lines(guild: discord.Guild, settings: GuildSettings, translator: Translator) -> Iterator[str]:
    """Yield a line for each buyers' role, and one for rules that wait for confirmed products."""
    if not settings.options.buyers_roles:
        return
    if settings.options.waiting_rules:
        yield f"{WARNING} {waiting_line(settings.options, translator)}"
    for role_id in dict.fromkeys(role for rule in settings.options.rules for role in rule.role_ids):
        why = why_not(guild, role_id)
        yield f"{GOOD} <@&{role_id}>" if why is None else f"{WARNING} " + translator.gettext(why, role=role_id)


def waiting_line(options: Options, translator: Translator) -> str:
    """Return how many rules wait until a product is confirmed, and what to do."""
    return translator.ngettext(
        "{count} rule waits: I do not know yet which products are yours. Confirm them with /store products.",
        "{count} rules wait: I do not know yet which products are yours. Confirm them with /store products.",
        options.waiting_rules,
    )


def _channel_line(
    guild: discord.Guild, channel_id: int, needed: tuple[str, ...], name: str, translator: Translator
) -> str:
    channel = guild.get_channel(channel_id)
    if channel is None:
        gone = translator.gettext("This channel does not exist any more, or I cannot see it: choose another.")
        return f"{WARNING} {name}: {gone}"
    lacking = permissions.missing(channel.permissions_for(guild.me), needed)
    if lacking:
        named = permissions.names(lacking)
        warning = translator.gettext("I lack these permissions there: {permissions}.", permissions=named)
        return f"{WARNING} {name}: {channel.mention}\n{warning}"
    return f"{GOOD} {name}: {channel.mention}"


async def _written(guild: discord.Guild, channel_id: int, translator: Translator) -> str:
    """Post a test message, delete it, and return the line with the result."""
    channel = guild.get_channel(channel_id)
    if not isinstance(channel, discord.TextChannel):
        gone = translator.gettext("<#{channel}> does not exist any more: choose another.", channel=channel_id)
        return f"{WARNING} {gone}"
    try:
        text = translator.gettext("A check by the store's owner.")
        message = await channel.send(embed=discord.Embed(description=text))
        await message.delete()
    except discord.HTTPException:
        lacking = permissions.missing(channel.permissions_for(guild.me), permissions.LOG_CHANNEL)
        named = permissions.names(lacking or [*permissions.LOG_CHANNEL])
        text = translator.gettext("I cannot write there. Give me these permissions: {permissions}.", permissions=named)
        return f"{WARNING} {channel.mention}: {text}"
    return f"{GOOD} {channel.mention}"
