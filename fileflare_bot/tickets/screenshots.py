"""The one picture that a customer can attach to a ticket: checked, posted into its thread, and stored nowhere."""

import asyncio
import io
import re
from collections.abc import Mapping
from dataclasses import dataclass, field
from typing import Any, Final

import discord
import structlog
from discord.ext import commands

from fileflare_bot.discord_errors import FAILURES, name_of
from fileflare_bot.i18n import N_

LARGEST: Final = 8 * 1024 * 1024  # bytes; Discord takes 10 MiB: discord.com/developers/docs/reference#uploading-files
READ_SECONDS: Final = 10.0
CDN: tuple[str, ...] = ("https://cdn.discordapp.com/", "https://media.discordapp.net/")  # nothing else is fetched
_BEGINS: Final = {  # what a file of each type begins with, whatever its name says
    "image/png": re.compile(rb"\x89PNG\r\n\x1a\n"),
    "image/jpeg": re.compile(rb"\xff\xd8\xff"),
    "image/gif": re.compile(rb"GIF8[79]a"),
    "image/webp": re.compile(rb"RIFF.{4}WEBP", re.DOTALL),
}
POSTED: Final = N_("Your screenshot is with it.")
UNUSABLE: Final = N_(
    "Your screenshot is not with it: it must be a PNG, JPEG, GIF or WebP picture of at most 8 MB. To attach another, "
    "press **Get help** for the same order again."
)
NOT_CONFIRMED: Final = N_(
    "I could not confirm that the moderators see your screenshot. If they ask for it, press **Get help** for the same "
    "order again, and attach it there."
)

log = structlog.stdlib.get_logger(__name__)


@dataclass(slots=True)
class Screenshot:
    """A customer's picture while it is on its way; ``content`` is empty if it could not be read.

    ``note_id`` is the note that asks the moderators for it unless it is ``posted``; ``added`` says that the ticket was
    open before, so that its thread may hold the picture already.
    """

    kind: str = ""
    content: bytes = field(default=b"", repr=False)
    usable: bool = True
    note_id: int | None = None
    added: bool = False
    posted: bool = False

    @property
    def outcome(self) -> str:
        """The sentence that tells the customer what became of it."""
        if self.posted:
            return POSTED
        return NOT_CONFIRMED if self.usable else UNUSABLE

    def is_in(self, message: discord.Message) -> bool:
        """Return whether a message holds this picture, as far as its type and size tell."""
        sent = self.file().filename, len(self.content)
        return any((each.filename, each.size) == sent for each in message.attachments)

    def file(self) -> discord.File:
        """Return it as a spoiler, under a name of ours: the customer's may hold an order link."""
        return discord.File(io.BytesIO(self.content), f"screenshot.{self.kind.removeprefix('image/')}", spoiler=True)


def is_private(channel: object) -> bool:
    """Return whether a channel is known and hidden from everybody, so that its threads may hold screenshots."""
    if not isinstance(channel, discord.TextChannel):
        return False
    return not channel.permissions_for(channel.guild.default_role).view_channel


async def read_screenshot(bot: commands.AutoShardedBot, attachment: Mapping[str, Any]) -> Screenshot:
    """Read what a customer has attached; ``attachment`` is Discord's description of it.

    It is not usable if it is no picture of a known type, too large, or not in Discord's CDN.
    """
    kind, url, size = (attachment.get(name) for name in ("content_type", "url", "size"))
    if kind not in _BEGINS or not str(url).startswith(CDN) or not isinstance(size, int) or size > LARGEST:
        return Screenshot(usable=False)
    try:
        async with asyncio.timeout(READ_SECONDS):
            content = await bot.http.get_from_cdn(str(url))
    except FAILURES as error:
        log.warning("screenshot_not_read", error=name_of(error))
        return Screenshot()
    if len(content) > LARGEST or not _BEGINS[kind].match(content):
        return Screenshot(usable=False)
    return Screenshot(kind, content)
