"""Audit entries, and the lines about them in a guild's log channel."""

from typing import Final

import discord
import structlog
from discord.ext import commands

from fileflare_bot.discord_errors import FAILURES, name_of
from fileflare_bot.i18n import N_, Catalogs, Translator
from fileflare_bot.storage.records import Action
from fileflare_bot.storage.storage import Storage

ENTRIES: Final[dict[Action, str]] = {
    Action.FILED: N_("{who} asked for help: request #{number}."),
    Action.TOOK: N_("{who} took request #{number}."),
    Action.HANDED_OVER: N_("{who} handed request #{number} over."),
    Action.CHECKED: N_("{who} checked the order of request #{number} again."),
    Action.ANSWERED: N_("{who} answered request #{number}."),
    Action.WROTE_BACK: N_("{who} wrote back in request #{number}."),
    Action.RESOLVED: N_("{who} resolved request #{number}."),
    Action.REOPENED: N_("{who} reopened request #{number}."),
    Action.POSTED_AGAIN: N_("{who} posted the card of request #{number} again."),
    Action.LOOKED_UP: N_("{who} checked an order."),
    Action.DELETED_MESSAGE: N_("{who} deleted a message that held an order link."),
    Action.CHANGED_ANSWERS: N_("{who} changed the saved answers."),
    Action.CHANGED_SETUP: N_("{who} changed the bot's setup."),
    Action.RELEASED_CLAIM: N_("{who} released an order from an account."),
    Action.MOVED_CLAIM: N_("{who} moved an order to another account."),
}

log = structlog.stdlib.get_logger(__name__)


class ModLog:
    """Writes audit entries, and posts lines into the guilds' log channels."""

    def __init__(self, bot: commands.Bot, storage: Storage, catalogs: Catalogs) -> None:
        self._bot = bot
        self._storage = storage
        self._catalogs = catalogs

    def translator(self, guild_id: int) -> Translator:
        """Return the translator for a guild's moderators: the language that the owner chose, else the guild's."""
        guild = self._bot.get_guild(guild_id)
        chosen = self._storage.guilds.get(guild_id).options.language
        return self._catalogs.translator(chosen or (guild.preferred_locale if guild is not None else ""))

    async def record(self, guild_id: int, action: Action, actor_id: int) -> None:
        """Store an audit entry for something that changes nothing else in the database, and post its line."""
        await self._storage.audit.record(guild_id, actor_id, action)
        await self.announce(guild_id, action, actor_id)

    async def announce(self, guild_id: int, action: Action, actor_id: int, number: int | None = None) -> None:
        """Post the line of an audit entry that was stored with its change; ``number`` is the ticket's."""
        await self.post(guild_id, entry_text(action, actor_id, number, self.translator(guild_id)))

    async def post(self, guild_id: int, text: str) -> None:
        """Post a line into the guild's log channel, if it has one."""
        channel_id = self._storage.guilds.get(guild_id).log_channel_id
        if channel_id is None:
            return
        channel = self._bot.get_partial_messageable(channel_id)
        try:
            await channel.send(embed=discord.Embed(description=text, timestamp=discord.utils.utcnow()))
        except FAILURES as error:
            log.warning("log_channel_refused", guild_id=guild_id, error=name_of(error))


def entry_text(action: Action, actor_id: int, number: int | None, translator: Translator) -> str:
    """Return an audit entry as a line for the log channel."""
    return translator.gettext(ENTRIES[action], who=f"<@{actor_id}>", number=number)
