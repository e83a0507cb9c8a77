"""Deletes the messages and threads of which an operation has stored that they go."""

from enum import Enum, auto

import discord
import structlog
from discord.ext import commands

from fileflare_bot.background import soon_or
from fileflare_bot.discord_errors import FAILURES, is_final, is_gone, name_of
from fileflare_bot.storage.intents import Intents
from fileflare_bot.storage.records import Removal

log = structlog.stdlib.get_logger(__name__)


class Removed(Enum):
    """What became of a removal."""

    GONE = auto()
    PENDING = auto()  # it is tried again later
    REFUSED = auto()  # the bot lacks a permission, or it was not there


class Removals:
    """Carries removals out; what Discord does not take is tried again later."""

    def __init__(self, bot: commands.AutoShardedBot, intents: Intents) -> None:
        self._bot = bot
        self._intents = intents

    async def run(self) -> None:
        """Delete everything that is due."""
        for removal in await self._intents.due_removals():
            await self.remove(removal)

    async def delete_message(self, guild_id: int, channel_id: int, message_id: int, moderator_id: int) -> Removed:
        """Delete a message for a moderator; if it was there, an audit entry says so once it is gone.

        Raises:
            FAILURES: Discord does not say whether it is there.
        """
        try:
            await self._bot.http.get_message(channel_id, message_id)
        except discord.NotFound:
            return Removed.REFUSED
        except discord.Forbidden:
            pass  # without Read Message History nobody can know
        removal = await self._intents.remove_message(guild_id, channel_id, message_id, moderator_id)
        return await soon_or(Removed.PENDING, self.remove(removal))

    async def remove(self, removal: Removal) -> Removed:
        """Delete a message or thread, unless Discord refuses."""
        try:
            if removal.message_id is None:
                await self._bot.http.delete_channel(removal.channel_id)
            else:
                await self._bot.http.delete_message(removal.channel_id, removal.message_id)
        except FAILURES as error:
            if not is_gone(error):
                log.warning("not_removed", guild_id=removal.guild_id, error=name_of(error))
                return await self._failed(removal, error)
        await self._intents.removed(removal.id)
        return Removed.GONE

    async def _failed(self, removal: Removal, error: Exception) -> Removed:
        told = removal.moderator_id is not None and isinstance(error, discord.Forbidden)  # they can do it themselves
        if not told and not is_final(error, removal.created_at):
            await self._intents.removal_postponed(removal.id)
            return Removed.PENDING
        await self._intents.given_up(removal.id)
        return Removed.REFUSED
