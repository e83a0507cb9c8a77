"""A store's server on a networked Discord, and what its people do there."""

from dataclasses import dataclass
from datetime import UTC, datetime
from typing import Final

import discord as discord_py
from doubles.discord_people import Interaction
from doubles.networked_discord import NetworkedDiscord
from simcord.backend.models import Channel, Message, Overwrite
from simcord.enums import OverwriteType

from fileflare_bot.demo import orders

SOON: Final = (  # starts a bot whose reconciler comes every half second, with short pauses, and files on loopback
    "import datetime, fileflare_bot.app as app, fileflare_bot.storage.postponing as postponing; "
    "app.FileflareBot._tend_storage.change_interval(seconds=0.5); "
    "postponing.FIRST_PAUSE = datetime.timedelta(seconds=0.2); "
    "import fileflare_bot.storage.intents as intents; intents.HELD = datetime.timedelta(seconds=1); "
    "import fileflare_bot.tickets.screenshots as screenshots; screenshots.CDN = ('http://127.0.0.1:',)"
)


def team_channel(discord: NetworkedDiscord, guild_id: int, name: str, *team: int) -> Channel:
    """Make a channel that only these roles and the bot can view, as a support or log channel must be."""
    backend, view = discord.backend, discord_py.Permissions(view_channel=True).value
    seen = [Overwrite(target_id=role, type=OverwriteType.ROLE, allow=view) for role in team]
    seen.append(Overwrite(target_id=backend.bot_user.id, type=OverwriteType.MEMBER, allow=view))
    hidden = Overwrite(target_id=guild_id, type=OverwriteType.ROLE, deny=view)
    return backend.create_channel(guild_id, name, overwrites=[hidden, *seen])


@dataclass(slots=True)
class Shop:
    """A server with a support channel, and the people in it."""

    discord: NetworkedDiscord
    guild_id: int
    owner: int
    moderator: int
    customer: int
    channel: int
    support: int
    log: int = 0
    buyer: int = 0
    since: datetime = datetime(2026, 1, 1, tzinfo=UTC)

    def messages(self, channel_id: int) -> list[Message]:
        """Return a channel's messages, the oldest first."""
        return [*self.discord.backend.messages.get(channel_id, {}).values()]

    def direct(self, user_id: int = 0) -> list[Message]:
        """Return the direct messages of the customer, or of another user."""
        return self.messages(self.discord.backend.get_dm_channel(user_id or self.customer).id)

    def card(self) -> Message:
        """Return the only card in the support channel."""
        (card,) = (message for message in self.messages(self.support) if message.embeds)
        return card

    def notes(self, card: Message) -> list[str]:
        """Return the notes in a card's thread, the oldest first."""
        return [message.embeds[0]["description"] for message in self.messages(card.id) if message.embeds]

    def beside(self, card_id: int | None) -> list[Message]:
        """Return the notes that are replies to a card, as they came before its thread."""
        return [
            message
            for message in self.messages(self.support)
            if message.embeds and int((message.reference or {}).get("message_id", 0)) == card_id
        ]

    async def log_everything(self) -> None:
        """Choose a log channel, as the owner; ``since`` says from when on it has lines."""
        self.log = team_channel(self.discord, self.guild_id, "log").id
        await self.choose("log_channel_id", self.log)
        self.since = datetime.now(UTC)

    async def add_rule(self) -> None:
        """Add a rule for the product of the sample orders, as the owner."""
        self.buyer = self.discord.backend.create_role(self.guild_id, "Buyer").id
        await self.discord.slash(
            self.owner, self.channel, "store roles add", match="product_id", role=str(self.buyer), value="123456"
        ).done()

    async def set_up(self) -> None:
        """Choose the support channel, as the owner."""
        await self.choose("support_channel_id", self.support)

    async def choose(self, setting: str, channel_id: int) -> None:
        """Choose a channel on the page of /store setup, as the owner."""
        setup = await self.discord.slash(self.owner, self.channel, "store setup").done()
        assert setup.message is not None
        await self.discord.press(self.owner, setup.message, setting, [str(channel_id)]).done()

    async def look_up(self, order_id: str = orders.USED_UP) -> Interaction:
        """Type /mydownloads, and wait for the reply."""
        return await self.discord.slash(self.customer, self.channel, "mydownloads", order_id=order_id).done()

    async def ask_for_help(self, words: str = "It is broken.") -> Interaction:
        """Ask for help with an order, and wait for the reply."""
        shown = await self.press(self.customer, (await self.look_up()).message, "Get help")
        return await self.discord.submit(self.customer, shown, topic="nothing_left", words=words).done()

    async def answer_form(self) -> Interaction:
        """Press Answer on the card, as the moderator, and open the form for their own words."""
        choice = await self.press(self.moderator, self.card(), "Answer")
        return await self.press(self.moderator, choice.message, "Your own words")

    async def press(self, user_id: int, message: Message | None, part: str) -> Interaction:
        """Press a button, and wait for the reply."""
        assert message is not None
        return await self.discord.press(user_id, message, part).done()
