"""Checks of a guild's setup: one line each, with what is missing and how to fix it."""

from collections.abc import AsyncIterator, Collection, Iterable, Iterator, Sequence
from itertools import islice
from typing import Final

import discord

from fileflare_bot.discord_errors import FAILURES, is_passing
from fileflare_bot.discord_limits import shorten
from fileflare_bot.fileflare.errors import FileflareUnavailable
from fileflare_bot.fileflare.lookups import Lookups
from fileflare_bot.fileflare.request_queue import Requester
from fileflare_bot.i18n import N_, Translator
from fileflare_bot.interactions import permissions
from fileflare_bot.leak_guard import GAVE_UP, GuardState, LeakGuard
from fileflare_bot.roles.moderators import unsafe_roles
from fileflare_bot.roles.rights import why_not
from fileflare_bot.setup_words import SETTINGS
from fileflare_bot.storage.intents import Intents
from fileflare_bot.storage.options import Options, rule_value
from fileflare_bot.storage.records import GuildSettings, Panel
from fileflare_bot.store.panel import stale_line
from fileflare_bot.store.visibility import customers_can_see, everybody_can_read, is_of_team
from fileflare_bot.text import clean

GOOD: Final = "✅"
WARNING: Final = "⚠️"
MOST_NAMED: Final = 5  # channels in a line, for the message's length
_GONE: Final = N_("This channel does not exist any more, or I cannot see it: choose another in /store setup.")
_OPEN: Final = N_(
    "**Everybody can read {channel}**, and so your customers' names and what they ask. In that channel's settings > "
    "Permissions, switch View Channel off for @everyone, and on for your moderators and me. Or choose another channel "
    "in /store setup."
)
_WITH_PANEL: Final = N_(
    "**Customers see this channel: your panel is here.** In /store setup, choose another one that only your team sees."
)
NO_RULE: Final = N_(
    "**Buyers' roles are on, but there is no rule:** no order brings a role. Add one with /store roles add."
)
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
    panels: Sequence[Panel],
    *,
    lookups: Lookups,
    leak_guard: LeakGuard,
    intents: Intents,
    given: Collection[int],
    owner_id: int,
) -> AsyncIterator[str]:
    """Test the whole setup for real, and yield a line for each thing; ``given`` is as for troubles()."""
    for line in unsafe_lines(guild, settings, translator, given):
        yield line
    try:
        await lookups.probe(Requester(owner_id, guild.id, staff=True))
        yield f"{GOOD} " + translator.gettext("Fileflare answers.")
    except FileflareUnavailable:
        yield f"{WARNING} " + translator.gettext("Fileflare does not answer. Try again in a few minutes.")
    for channel_id, line in (
        (settings.support_channel_id, support_line(guild, settings, translator, panels)),
        (settings.log_channel_id, log_line(guild, settings, translator, panels)),
    ):
        if channel_id is not None and line.startswith(GOOD):
            yield await _written(guild, channel_id, translator, intents) or line
        elif line.startswith(WARNING):
            yield line
    if settings.ping_role_id is not None:
        yield ping_line(guild, settings, translator)
    for line in role_lines(guild, settings, translator):
        yield line
    if settings.options.leak_guard:
        if leak_guard.failed(guild.id) is GuardState.GAVE_UP:
            yield f"{WARNING} " + translator.gettext(
                "I had stopped putting the leak guard's rule back, because somebody changed or deleted it again and "
                "again. The server's audit log shows who."
            )
        state = await leak_guard.ensure(guild)
        yield (f"{GOOD} " if state is GuardState.ON else f"{WARNING} ") + translator.gettext(GUARD_STATES[state])


def troubles(
    guild: discord.Guild,
    settings: GuildSettings,
    panels: Sequence[Panel],
    guard: GuardState,
    translator: Translator,
    *,
    given: Collection[int],
) -> Iterator[str]:
    """Yield a line for each thing that needs fixing, as far as it is known without trying anything.

    ``given`` are the moderator roles that the bot has given to buyers.
    """
    yield from unsafe_lines(guild, settings, translator, given)
    for line in (
        support_line(guild, settings, translator, panels),
        log_line(guild, settings, translator, panels),
        ping_line(guild, settings, translator),
        *role_lines(guild, settings, translator),
    ):
        if line.startswith(WARNING):
            yield line
    if guard not in {GuardState.ON, GuardState.OFF}:
        yield f"{WARNING} " + translator.gettext(GUARD_STATES[guard])
    if not posted(panels):
        yield f"{WARNING} " + translator.gettext(
            "**I know of no panel with a button for your customers.** Post it: /store setup > **Post the panel**. If "
            "one is there already, press its button once."
        )
    yield from hidden_lines(guild, settings, places(panels), translator)
    for panel in panels:
        if panel.failed:
            yield f"{WARNING} {stale_line(panel, translator)}"


def missing(
    guild: discord.Guild,
    settings: GuildSettings,
    panels: Sequence[Panel],
    translator: Translator,
    given: Collection[int],
) -> Iterator[str]:
    """Yield what the setup still lacks, the most important first, and where to do it; then what is worth adding.

    ``given`` is as for troubles().
    """
    yield from unsafe_lines(guild, settings, translator, given)
    if settings.support_channel_id is None or guild.get_channel(settings.support_channel_id) is None:
        yield f"{WARNING} " + translator.gettext(
            "**Still missing: a channel for help requests.** Choose it below; until then, customers are told to ask "
            "the server's owner."
        )
    chosen = dict.fromkeys(filter(None, (settings.support_channel_id, settings.log_channel_id)))
    opened = [
        each for each in chosen if everybody_can_read(guild, each) or _has_seen_panel(guild, settings, each, panels)
    ]
    if opened:
        yield f"{WARNING} " + translator.gettext(
            "**Customers can read {channels}.** Below, at the channel, I say what to do.", channels=channels_of(opened)
        )
    if not posted(panels):
        yield f"{WARNING} " + translator.gettext(
            "**Still missing: the panel** with the button for your customers. Press **Post the panel** below. If one "
            "is there already, press its button once."
        )
    yield from hidden_lines(guild, settings, places(panels), translator)
    yield from worth_adding(settings, translator)


def worth_adding(settings: GuildSettings, translator: Translator) -> Iterator[str]:
    """Yield a line if the owner has not said where customers find their order link."""
    if not settings.options.wording.where_to_find:
        yield "💡 " + translator.gettext(
            "**Worth adding: where your customers find their order link.** Press **The panel's words**, and "
            "fill in **Where do I find my order link?**"
        )


def next_line(guild: discord.Guild, settings: GuildSettings, panels: Sequence[Panel], translator: Translator) -> str:
    """Return what comes next once all is well, or a warning if customers see no panel."""
    there = posted(panels)
    if not there:
        return translator.gettext("Next: press **Post the panel**, and choose your customers' channel.")
    seen = [panel for panel in there if customers_can_see(guild, settings, panel.channel_id)]
    lines = [*hidden_lines(guild, settings, places(panels), translator)]
    if seen:
        text = translator.gettext(
            "Your customers can press the button in {channels}.", channels=channels_of(places(seen))
        )
        lines.insert(0, text)
    return "\n".join(lines)


def hidden_lines(
    guild: discord.Guild, settings: GuildSettings, channel_ids: Iterable[int], translator: Translator
) -> Iterator[str]:
    """Yield a line if any of these channels, which have panels, are hidden from customers; another for the team's."""
    hidden = [each for each in dict.fromkeys(channel_ids) if not customers_can_see(guild, settings, each)]
    team = {each for each in hidden if is_of_team(guild.get_channel_or_thread(each), settings)}
    if others := [each for each in hidden if each not in team]:
        yield f"{WARNING} " + translator.gettext(
            "**Your customers cannot see the panel in {channels}.** Let them view the channel; or delete the panel, "
            "and post it where they are.",
            channels=channels_of(others),
        )
    if teams := [each for each in hidden if each in team]:
        yield f"{WARNING} " + translator.gettext(
            "**Your customers cannot see the panel in {channels}, and must not:** your team's messages are there. "
            "Delete that panel, and post it where your customers are.",
            channels=channels_of(teams),
        )


def channels_of(channel_ids: Sequence[int]) -> str:
    """Return these channels for a line; of many, the first."""
    named = [f"<#{channel_id}>" for channel_id in channel_ids[:MOST_NAMED]]
    return ", ".join(named + ["…"] * (len(channel_ids) > MOST_NAMED))


def places(panels: Sequence[Panel]) -> list[int]:
    """Return the IDs of the channels in which panels are, each once."""
    return list(dict.fromkeys(panel.channel_id for panel in posted(panels)))


def posted(panels: Sequence[Panel]) -> list[Panel]:
    """Return the panels that are in their channels."""
    return [panel for panel in panels if panel.message_id is not None]


def guard_state(
    guild: discord.Guild, settings: GuildSettings, failed: GuardState | None, *, pending: bool
) -> GuardState:
    """Return the state of the leak guard, as far as it is known without asking Discord.

    ``failed`` is what kept its rule from being in place at the last try; ``pending`` says that a try is still due.
    """
    if not settings.options.leak_guard:
        return GuardState.OFF
    if not guild.me.guild_permissions.manage_guild:
        return GuardState.NO_PERMISSION
    if failed is None or failed is GuardState.NO_PERMISSION:  # which it has by now
        return GuardState.PENDING if pending or settings.leak_rule_id is None else GuardState.ON
    return failed


def support_line(guild: discord.Guild, settings: GuildSettings, translator: Translator, panels: Sequence[Panel]) -> str:
    """Return whether the support channel is usable, and what is missing there."""
    if settings.support_channel_id is None:
        text = translator.gettext(
            "**No support channel yet:** customers are told to ask the server's owner. Choose one in /store setup."
        )
        return f"{WARNING} {text}"
    needed = permissions.SUPPORT_CHANNEL + (("attach_files",) if settings.options.help_screenshots else ())
    return _channel_line(guild, settings, "support_channel_id", needed, translator=translator, panels=panels)


def log_line(guild: discord.Guild, settings: GuildSettings, translator: Translator, panels: Sequence[Panel]) -> str:
    """Return whether the log channel is usable, and what is missing there."""
    if settings.log_channel_id is None:
        return translator.gettext("**No log channel:** nothing is posted. What moderators do is kept all the same.")
    line = _channel_line(
        guild, settings, "log_channel_id", permissions.LOG_CHANNEL, translator=translator, panels=panels
    )
    if settings.log_channel_id == settings.support_channel_id:
        line += "\n💡 " + translator.gettext(
            "Help requests come here too, and the log pushes them up. Give the log a channel of its own."
        )
    return line


def ping_line(guild: discord.Guild, settings: GuildSettings, translator: Translator) -> str:
    """Return whether the bot can ping the role for new tickets, and what is missing."""
    if settings.ping_role_id is None:
        return translator.gettext("**No role to ping:** nobody is pinged.")
    role = guild.get_role(settings.ping_role_id)
    if role is None:
        return f"{WARNING} " + translator.gettext(
            "The role to ping does not exist any more: choose another in /store setup."
        )
    if role.id in settings.options.buyers_role_ids:
        return f"{WARNING} {role.mention}: " + translator.gettext(
            "Buyers get this role, so each help request pings all of them: choose another to ping in /store setup."
        )
    channel = guild.get_channel(settings.support_channel_id or 0)
    may = channel is not None and channel.permissions_for(guild.me).mention_everyone
    if role.mentionable or may:
        return f"{GOOD} " + translator.gettext("Role to ping") + f": {role.mention}"
    warning = translator.gettext(
        "I cannot ping this role: give my role the permission {permission} in the support channel's settings > "
        "Permissions.",
        permission="Mention @everyone, @here, and All Roles",
    )
    return f"{WARNING} {role.mention}: {warning}"


def unsafe_lines(
    guild: discord.Guild, settings: GuildSettings, translator: Translator, given: Collection[int]
) -> Iterator[str]:
    """Yield a line for each moderator role that buyers or everybody have; three at once, for the message's length."""
    yield from (f"{WARNING} {sentence}" for sentence in islice(unsafe_roles(guild, settings, translator, given), 3))


def role_lines(guild: discord.Guild, settings: GuildSettings, translator: Translator) -> Iterator[str]:
    """Yield a line for each buyers' role, and one for rules that are missing, or wait for confirmed products."""
    if not settings.options.buyers_roles:
        return
    if not settings.options.rules:
        yield f"{WARNING} " + translator.gettext(NO_RULE)
    if settings.options.waiting_rules:
        yield f"{WARNING} {waiting_line(settings.options, translator)}"
    idle = [rule for rule in settings.options.rules if rule_value(rule.match, rule.value) is None]
    if idle:
        yield f"{WARNING} " + translator.ngettext(
            "{count} rule for buyers' roles matches no order because of its value: {values}. Remove it, and add it "
            "anew with a value that I suggest: /store roles.",
            "{count} rules for buyers' roles match no order because of their values: {values}. Remove them, and add "
            "them anew with values that I suggest: /store roles.",
            len(idle),
            values=", ".join(f"`{shorten(clean(rule.value).replace('`', ''), 40) or '-'}`" for rule in idle[:3]),
        )
    for role_id in settings.options.buyers_role_ids:
        why = why_not(guild, role_id)
        if why is None:
            yield f"{GOOD} " + translator.gettext("I can give the role {role}.", role=f"<@&{role_id}>")
        else:
            yield f"{WARNING} " + translator.gettext(why, role=role_id)


def waiting_line(options: Options, translator: Translator) -> str:
    """Return how many rules wait until a product is confirmed, and what to do."""
    return translator.ngettext(
        "{count} rule waits: I do not know yet which products are yours. Confirm them with /store products.",
        "{count} rules wait: I do not know yet which products are yours. Confirm them with /store products.",
        options.waiting_rules,
    )


def _channel_line(
    guild: discord.Guild,
    settings: GuildSettings,
    setting: str,
    needed: tuple[str, ...],
    *,
    translator: Translator,
    panels: Sequence[Panel],
) -> str:
    name, channel_id = translator.gettext(SETTINGS[setting]), getattr(settings, setting)
    channel = guild.get_channel(channel_id)
    if channel is None:
        return f"{WARNING} {name}: " + translator.gettext(_GONE)
    warnings = []
    if lacking := permissions.missing(channel.permissions_for(guild.me), needed):
        warnings.append(
            translator.gettext(
                "I lack these permissions there: {permissions}. Give them to my role in that channel's settings > "
                "Permissions.",
                permissions=permissions.names(lacking),
            )
        )
    why = ""
    if _has_seen_panel(guild, settings, channel_id, panels):
        why = _WITH_PANEL
    elif everybody_can_read(guild, channel_id):
        why = _OPEN
    if why and (setting == "support_channel_id" or channel_id != settings.support_channel_id):  # it is said once
        warnings.append(translator.gettext(why, channel=channel.mention))
    return "\n".join([f"{WARNING if warnings or why else GOOD} {name}: {channel.mention}", *warnings])


def _has_seen_panel(guild: discord.Guild, settings: GuildSettings, channel_id: int, panels: Sequence[Panel]) -> bool:
    """Return whether a panel is in a channel where customers see it."""
    return channel_id in places(panels) and customers_can_see(guild, settings, channel_id)


async def _written(guild: discord.Guild, channel_id: int, translator: Translator, intents: Intents) -> str:
    """Post a test message and delete it, at once or later; return a line if it is not posted, or an empty string."""
    channel = guild.get_channel(channel_id)
    if not isinstance(channel, discord.TextChannel):
        return f"{WARNING} " + translator.gettext(_GONE)
    try:
        text = translator.gettext("A check by the store's owner.")
        message = await channel.send(embed=discord.Embed(description=text))
    except FAILURES as error:
        lacking = permissions.missing(channel.permissions_for(guild.me), permissions.LOG_CHANNEL)
        named = permissions.names(lacking or [*permissions.LOG_CHANNEL])
        text = translator.gettext("I cannot write there. Give me these permissions: {permissions}.", permissions=named)
        if is_passing(error):
            text = translator.gettext("Discord had a problem when I wrote there. Press Check again in a few minutes.")
        return f"{WARNING} {channel.mention}: {text}"
    try:
        await message.delete()
    except FAILURES:
        await intents.remove_message(guild.id, channel.id, message.id)
    return ""
