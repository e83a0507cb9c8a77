"""Audit entries, and the lines about them in a guild's log channel."""

import asyncio
from collections.abc import Iterable
from typing import Final
from weakref import WeakValueDictionary

import discord
import structlog
from cachetools import TTLCache
from discord.ext import commands

from fileflare_bot.background import soon
from fileflare_bot.discord_errors import FAILURES, MESSAGES_CLOSED, code_of, is_final, is_passing, name_of
from fileflare_bot.discord_limits import EMBED_DESCRIPTION, shorten
from fileflare_bot.i18n import N_, Catalogs, Translator
from fileflare_bot.posting import NONCE_LASTS, is_of, post_once
from fileflare_bot.setup_words import change_lines
from fileflare_bot.storage.database import utc_now
from fileflare_bot.storage.records import Action, AuditLine, SettingChange
from fileflare_bot.storage.setup_changes import NAMED
from fileflare_bot.storage.storage import Storage
from fileflare_bot.text import clean, escape

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
    Action.PRODUCTS_NEEDED: N_(
        "Some rules for buyers' roles wait. Anybody can make an order with your tags, SKUs and vendor, so those rules, "
        "and those for any order, look only at products that you confirm as yours: type /store products."
    ),
    Action.LOST_DESK: N_(
        "{who} may manage messages in single channels only, so they are no moderator to me. If they should be one, "
        "give them a moderator role, or choose one of theirs in /store setup. Moderator roles now: {roles}"
    ),
}
OF_REQUESTS: Final[dict[Action, str]] = {  # the same, if they were done on the card of a request
    Action.RELEASED_CLAIM: N_("{who} released the order of request #{number} from an account."),
    Action.MOVED_CLAIM: N_("{who} moved the order of request #{number} to its customer."),
}
_OF_PRODUCTS: Final = N_("{who} changed the confirmed products.")
FOR_THE_OWNER: Final = {Action.PRODUCTS_NEEDED, Action.LOST_DESK}  # without a log channel, by direct message

DAY_SECONDS: Final = 24 * 3600

log = structlog.stdlib.get_logger(__name__)


class ModLog:
    """Writes audit entries, and posts their lines into the guilds' log channels."""

    def __init__(self, bot: commands.AutoShardedBot, storage: Storage, catalogs: Catalogs) -> None:
        self._bot = bot
        self._storage = storage
        self._intents = storage.intents
        self._catalogs = catalogs
        self._warned: TTLCache[tuple[int, str], bool] = TTLCache(10_000, DAY_SECONDS)
        self._locks: WeakValueDictionary[int, asyncio.Lock] = WeakValueDictionary()

    async def translator(self, guild_id: int) -> Translator:
        """Return the translator for a guild's moderators: the language that the owner chose, else the guild's."""
        guild = self._bot.get_guild(guild_id)
        chosen = (await self._storage.guilds.load(guild_id)).options.language
        return self._catalogs.translator(chosen or (guild.preferred_locale if guild is not None else ""))

    async def record(self, guild_id: int, action: Action, actor_id: int) -> None:
        """Store an audit entry for something that changes nothing else in the database, and post its line."""
        await self._storage.audit.record(guild_id, actor_id, action)
        await soon(self.post_lines(guild_id))

    async def lost_desk(self, guild_id: int, user_id: int) -> None:
        """Tell a guild's owner once that a user who may manage messages in single channels is no moderator."""

        async def tell() -> None:
            await self._storage.audit.record_once(guild_id, user_id, Action.LOST_DESK)
            await self.post_lines(guild_id)

        await soon(tell())

    async def post_lines(self, guild_id: int) -> None:
        """Post the lines of a guild's audit entries that are not in its log channel yet; the reconciler tries again."""
        async with self._locks.setdefault(guild_id, asyncio.Lock()):
            translator = await self.translator(guild_id)
            lines, channel_id = await self._intents.due_lines(guild_id)
            for line in lines:
                try:
                    settled = await self._post(guild_id, channel_id, line, translator)
                except FAILURES as error:
                    log.warning("log_channel_refused", guild_id=guild_id, error=name_of(error))
                    settled = is_final(error, line.at) or code_of(error) == MESSAGES_CLOSED
                if not settled:
                    await self._intents.line_postponed(line.id)
                    return  # the next ones would overtake it
                await self._intents.line_posted(line.id)

    async def warn(self, guild_id: int, text: str) -> discord.Message | None:
        """Post a warning into a guild's log channel and return its message; it is not tried again.

        Returns None if there is no log channel, or Discord does not take the message.
        """
        channel_id = (await self._storage.guilds.load(guild_id)).log_channel_id
        if channel_id is None:
            return None
        channel = self._bot.get_partial_messageable(channel_id)
        try:
            return await channel.send(embed=discord.Embed(description=text, timestamp=discord.utils.utcnow()))
        except FAILURES as error:
            log.warning("log_channel_refused", guild_id=guild_id, error=name_of(error))
            return None

    async def change(self, warning: discord.Message, text: str) -> None:
        """Change the text of a warning; it is not tried again."""
        try:
            await warning.edit(embed=discord.Embed(description=text, timestamp=warning.created_at))
        except FAILURES as error:
            log.warning("log_channel_refused", error=name_of(error))

    async def alert(self, guild: discord.Guild, text: str) -> None:
        """Post a warning, or send it to the guild's owner if the log channel does not get it."""
        if await self.warn(guild.id, text) is None:
            await tell_owner(guild, discord.Embed(description=text))

    async def warn_once_a_day(self, guild_id: int, text: str) -> None:
        """Post a warning, unless the guild has read the same one within a day."""
        if (guild_id, text) not in self._warned:
            self._warned[guild_id, text] = True
            await self.warn(guild_id, f"⚠️ {text}")

    async def _post(self, guild_id: int, channel_id: int | None, line: AuditLine, translator: Translator) -> bool:
        """Post a line into the log channel, and that of its move into the old one, too.

        Without a log channel, send what is for the owner by direct message.

        Return False if it is for an owner whom nobody knows yet.
        """
        guild, title = self._bot.get_guild(guild_id), None
        left = next((each.before for each in line.changes if each.setting == "log_channel_id"), None)
        if channel_id is None and left is None:
            if line.action not in FOR_THE_OWNER:
                return True
            if guild is None or guild.owner_id is None:
                return False
            channel_id, title = int((await self._bot.http.start_private_message(guild.owner_id))["id"]), guild.name
        role_ids = (await self._storage.guilds.load(guild_id)).moderator_role_ids
        named = [role.name for role in map(guild.get_role, role_ids) if role is not None] if guild is not None else []
        text = entry_text(line.action, line.actor_id, line.number, translator, ", ".join(named), changes=line.changes)
        text = shorten("\n".join([text, *change_lines(line.changes, translator)]), EMBED_DESCRIPTION)
        # The old channel hears of a move, too: last on later tries, so that no failure of the new one repeats it.
        places = [left, channel_id] if utc_now() - line.at < NONCE_LASTS else [channel_id, left]
        for each in dict.fromkeys(filter(None, places)):
            try:
                await post_once(
                    self._bot,
                    each,
                    found=lambda recent: is_of(recent, line.at) and text in [one.description for one in recent.embeds],
                    since=line.at,
                    embed=discord.Embed(title=title, description=text, timestamp=line.at),
                )
            except FAILURES as error:
                if each == channel_id or is_passing(error):
                    raise
        return True


def entry_text(
    action: Action,
    actor_id: int,
    number: int | None,
    translator: Translator,
    moderator_roles: str = "",
    *,
    changes: Iterable[SettingChange] = (),
) -> str:
    """Return an audit entry as a line for the log channel."""
    roles = escape(clean(moderator_roles)) or translator.gettext("none")
    sentence = ENTRIES[action] if number is None else OF_REQUESTS.get(action, ENTRIES[action])
    if {change.setting.removesuffix(NAMED) for change in changes} == {"products"}:
        sentence = _OF_PRODUCTS
    return translator.gettext(sentence, who=f"<@{actor_id}>", number=number, roles=roles)


async def tell_owner(guild: discord.Guild, embed: discord.Embed) -> bool:
    """Send a guild's owner a direct message; return whether Discord took it."""
    try:
        owner = await guild.fetch_member(guild.owner_id or 0)
        await owner.send(embed=embed)
    except FAILURES as error:
        log.info("owner_not_told", guild_id=guild.id, error=name_of(error))
        return False
    return True
