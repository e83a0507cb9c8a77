"""The help desk: what cogs for customers and for moderators do to a request, with all that everybody sees of it."""

from discord.ext import commands

from fileflare_bot.i18n import Catalogs
from fileflare_bot.leak_guard import LeakGuard
from fileflare_bot.roles import Buyers
from fileflare_bot.storage.records import Action, HelpRequest, Server
from fileflare_bot.storage.storage import Storage
from fileflare_bot.tickets.card import Cards
from fileflare_bot.tickets.delivery import Delivery
from fileflare_bot.tickets.texts import deed


class HelpDesk:
    """Cards, delivery and the log channel of all servers."""

    def __init__(self, bot: commands.Bot, storage: Storage, catalogs: Catalogs) -> None:
        self._storage = storage
        self.cards = Cards(bot, storage, catalogs)
        self.delivery = Delivery(bot, catalogs)
        self.buyers = Buyers(bot, storage, self.cards)
        self.leak_guard = LeakGuard(bot, storage, self.cards)

    def server(self, guild_id: int) -> Server:
        """Return a server's settings."""
        return self._storage.servers.get(guild_id)

    async def show(self, request: HelpRequest, action: Action, actor_id: int) -> HelpRequest:
        """Bring the card up to date after somebody did something, and tell the log channel; return the request."""
        request = await self.cards.refresh(request.id)
        await self.log(request.guild_id, action, actor_id, request.number)
        return request

    async def log(self, guild_id: int, action: Action, actor_id: int, number: int | None = None) -> None:
        """Post a line about what somebody did into the server's log channel, if it has one."""
        await self.cards.log(self.server(guild_id), deed(action, actor_id, number, self.cards.words(guild_id)))

    async def post_unposted(self, guild_ids: list[int]) -> None:
        """Post the cards of requests that a sudden end has left without one."""
        for request in await self._storage.requests.unposted(guild_ids):
            server = self.server(request.guild_id)
            if server.support_channel_id is not None:
                await self.cards.post(request.id, server)
