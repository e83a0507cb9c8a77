"""The panels in a store's channels, in the bot's wording or the store's own: posted, and kept as the settings say."""

import asyncio
from contextlib import suppress
from typing import Any, Final
from weakref import WeakValueDictionary

import discord
import structlog
from cachetools import LRUCache
from discord.ext import commands

from fileflare_bot import discord_limits as limits
from fileflare_bot.discord_errors import FAILURES, code_of, is_final, is_gone, is_passing, name_of
from fileflare_bot.i18n import N_, Catalogs, Translator
from fileflare_bot.interactions import permissions
from fileflare_bot.interactions.components import ASK, COLOUR, ask_button, button, view
from fileflare_bot.interactions.permissions import BotLacksPermission
from fileflare_bot.modlog import ModLog
from fileflare_bot.posting import has_custom_id, post_once
from fileflare_bot.refusal import Refusal
from fileflare_bot.storage.errors import StorageUnavailable
from fileflare_bot.storage.options import Options, Wording
from fileflare_bot.storage.panels import StoredPanels
from fileflare_bot.storage.records import GuildSettings, Panel
from fileflare_bot.store.visibility import NotForCustomers, is_of_team
from fileflare_bot.text import clean

POSTED: Final = N_(
    "The panel is posted. It follows what you change in /store setup; delete its message to take it down."
)
POSTED_ANEW: Final = N_(
    "The panel is posted anew, at the bottom of its channel, and the old one is taken down. It follows what you change "
    "in /store setup."
)
OLD_STAYS: Final = N_(
    "The panel is posted anew, at the bottom of its channel. Discord does not let me take the old one down yet: I go "
    "on trying, or you delete its message."
)
# discord.com/developers/docs/topics/opcodes-and-status-codes, "JSON": the thread is archived, or locked
_CLOSED: Final = {50083, 160005}

Postable = discord.TextChannel | discord.VoiceChannel | discord.StageChannel | discord.Thread

log = structlog.stdlib.get_logger(__name__)


class ThreadClosed(Refusal):
    """Raised when the panel is for a thread that is archived or locked."""

    sentence = N_(
        "**This thread is closed.** It is archived or locked, so I cannot post here. Open it again, or use another "
        "channel."
    )


class PanelNotTaken(Refusal):
    """Raised when Discord refuses the panel for a reason other than a permission."""

    sentence = N_(
        "**Discord did not take the panel here.** Try another channel. If that does not help, look at the panel's "
        "words in /store setup."
    )


class PanelPending(Refusal):
    """Raised when Discord has not confirmed the panel yet: it is tried again."""

    sentence = N_(
        "**Discord has not confirmed the panel yet;** I go on trying. Look into the channel in a minute: you need not "
        "post it again."
    )


class Panels:
    """Posts panels, and brings those that are posted in line with the settings.

    A change of the settings makes a guild's panels due in its own transaction; each stays due until it shows it. A
    channel has one panel: a newer one replaces it.
    """

    def __init__(self, bot: commands.AutoShardedBot, stored: StoredPanels, modlog: ModLog, catalogs: Catalogs) -> None:
        self._bot = bot
        self._stored = stored
        self._modlog = modlog
        self._catalogs = catalogs
        self._met: LRUCache[int, bool] = LRUCache(10_000)  # messages whose button was pressed in this process
        self._locks: WeakValueDictionary[int, asyncio.Lock] = WeakValueDictionary()

    async def post(
        self,
        interaction: discord.Interaction[Any],
        settings: GuildSettings,
        channel: object,
        granted: discord.Permissions,
    ) -> str:
        """Post the panel at the bottom of a channel of the guild, and take down those that are there already.

        ``granted`` are the bot's permissions there. Returns a marked sentence that says what was done.

        Raises:
            NotForCustomers, BotLacksPermission, ThreadClosed, PanelNotTaken: it is not posted.
            PanelPending: the reconciler goes on trying.
        """
        if isinstance(channel, Postable) and is_of_team(channel, settings):
            raise NotForCustomers(channel=f"<#{getattr(channel, 'parent_id', None) or channel.id}>")
        in_thread = isinstance(channel, discord.Thread)
        needed = permissions.PANEL_IN_THREAD if in_thread else permissions.PANEL
        lacking = permissions.missing(granted, needed)
        if lacking or not isinstance(channel, Postable):
            raise BotLacksPermission(permissions=permissions.names(lacking or [*needed]))
        if isinstance(channel, discord.Thread) and _closed(channel, granted):
            raise ThreadClosed
        panel_id = await self._stored.want(channel.guild.id, channel.id, _locale(interaction), interaction.created_at)
        try:
            await self._show(panel_id)
        except FAILURES as error:
            if is_passing(error):
                raise PanelPending from None
            await self._stored.forget(panel_id)
            if isinstance(error, discord.Forbidden):
                raise BotLacksPermission(permissions=permissions.names([*needed])) from None
            raise (ThreadClosed if code_of(error) in _CLOSED else PanelNotTaken) from None
        with suppress(StorageUnavailable):  # it is posted, so this is no refusal
            older = await self._replaced(channel)
            for panel in older:
                await self.settle(panel.id)
            if older:
                return OLD_STAYS if await self._replaced(channel) else POSTED_ANEW
        return POSTED

    async def settle(self, panel_id: int) -> None:
        """Post, change or take down a panel that is due; try again later what Discord refuses.

        Raises:
            StorageUnavailable: the database is away.
        """
        try:
            await self._show(panel_id)
        except FAILURES as error:
            panel = await self._stored.get(panel_id)
            if panel is not None:
                await self._failed(panel, error)

    async def settle_guild(self, guild_id: int) -> None:
        """Bring a guild's panels in line with its settings."""
        for panel in await self._stored.of_guild(guild_id):
            if panel.due:
                await self.settle(panel.id)

    async def check(self, guild_id: int) -> list[Panel]:
        """Write to all panels of a guild anew, and return those that are still there."""
        await self._stored.show_again(guild_id)
        await self.settle_guild(guild_id)
        return await self._stored.of_guild(guild_id)

    async def met(self, interaction: discord.Interaction[Any]) -> None:
        """Remember the panel whose button was pressed, if an earlier version has posted it, and update it."""
        message, guild_id = interaction.message, interaction.guild_id
        if message is None or guild_id is None or message.flags.ephemeral or message.id in self._met:
            return
        panel_id = await self._stored.learn(guild_id, message.channel.id, message.id, _locale(interaction))
        self._met[message.id] = True
        if panel_id is not None:
            await self.settle(panel_id)

    async def _replaced(self, channel: Postable) -> list[Panel]:
        panels = await self._stored.of_guild(channel.guild.id)
        return [panel for panel in panels if panel.replaced and panel.channel_id == channel.id]

    async def _show(self, panel_id: int) -> None:
        async with self._locks.setdefault(panel_id, asyncio.Lock()):
            panel = await self._stored.get(panel_id)
            if panel is None or not panel.due:
                return
            channel = self._bot.get_partial_messageable(panel.channel_id)
            if panel.replaced and panel.message_id is not None:
                await channel.get_partial_message(panel.message_id).delete()
                await self._stored.forget(panel.id)
                return
            translator = self._catalogs.translator(panel.options.language or panel.locale)
            embed = panel_embed(panel.options.wording, translator)
            shown = view(panel_buttons(panel.options, translator))
            message_id = panel.message_id
            if message_id is None:
                before = {each.message_id for each in await self._stored.of_guild(panel.guild_id) if each.id < panel.id}
                message = await post_once(
                    self._bot,
                    panel.channel_id,
                    found=lambda recent: has_custom_id(recent, ASK) and recent.id not in before,
                    since=panel.created_at,
                    embed=embed,
                    view=shown,
                )
                message_id = message.id
            else:
                await channel.get_partial_message(message_id).edit(embed=embed, view=shown)
            await self._stored.shown(panel, message_id)

    async def _failed(self, panel: Panel, error: Exception) -> None:
        final = is_final(error, panel.wanted_at)
        if is_gone(error) or (final and panel.message_id is None):
            await self._stored.forget(panel.id)
            return
        log.warning("panel_not_shown", guild_id=panel.guild_id, error=name_of(error))
        if not is_passing(error):
            translator = await self._modlog.translator(panel.guild_id)
            await self._modlog.warn_once_a_day(panel.guild_id, stale_line(panel, translator))
        if final:
            await self._stored.given_up(panel.id)
        else:
            await self._stored.postponed(panel.id)


def stale_line(panel: Panel, translator: Translator) -> str:
    """Return that a panel does not show the last change, and what to do."""
    return translator.gettext(
        "The panel in {channel} does not show your last change yet. I go on trying; if it stays so, let me view and "
        "write in that channel, or delete the panel and post it again.",
        channel=f"<#{panel.channel_id}>",
    )


def _locale(interaction: discord.Interaction[Any]) -> str:
    return str(interaction.guild_locale or interaction.locale)


def _closed(thread: discord.Thread, granted: discord.Permissions) -> bool:
    """Return whether a thread is archived, or locked for the bot."""
    return thread.archived or (thread.locked and not granted.manage_threads)


def panel_embed(wording: Wording, translator: Translator) -> discord.Embed:
    """Return the panel's title and text.

    The owner's wording may use Markdown, as the owner's own messages do; mentions in it are switched off.
    """
    title = clean(wording.title) or translator.gettext("Your downloads")
    text = clean(wording.text, lines=True) or translator.gettext(
        "Bought something from our store? Press the button and paste your order link. Only you see the answer."
    )
    where = wording.where_to_find
    parts = [text, translator.gettext("**Where do I find my order link?**") + "\n" + where if where else ""]
    return discord.Embed(
        title=limits.shorten(title, limits.EMBED_TITLE),
        description=limits.shorten("\n\n".join(part for part in parts if part), limits.EMBED_DESCRIPTION),
        colour=discord.Colour.from_str(wording.colour) if wording.colour else COLOUR,
    )


def panel_buttons(options: Options, translator: Translator) -> list[discord.ui.Button[discord.ui.View]]:
    """Return the panel's buttons."""
    label = clean(options.wording.button) or translator.gettext("Get my downloads")
    buttons = [ask_button(limits.shorten(label, limits.BUTTON_LABEL))]
    if options.buyers_roles:
        buttons.append(button(translator.gettext("Restore my roles"), "claims:restore", emoji="🎟️"))
    return buttons
