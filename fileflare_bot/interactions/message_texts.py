"""Every text of a Discord message that people can read or follow."""

from collections.abc import Iterator
from typing import Final

import discord

# The keys under which an embed or a component keeps what people see or open; Discord's own IDs stand under others.
_SEEN: Final = {"content", "description", "icon_url", "label", "name", "placeholder", "text", "title", "url", "value"}


def message_texts(message: discord.Message) -> Iterator[str]:
    """Yield the texts of a message, its own first, then those of the messages that it forwards."""
    parts: list[discord.Message | discord.MessageSnapshot] = [message, *message.message_snapshots]
    for part in parts:
        yield part.content
        for embed in part.embeds:
            yield from _seen(embed.to_dict())
        for component in part.components:
            yield from _seen(component.to_dict())
        for attachment in part.attachments:
            yield from filter(None, (attachment.filename, attachment.title, attachment.description))
    if message.poll is not None:
        yield message.poll.question or ""
        for answer in message.poll.answers:
            yield answer.text or ""


def _seen(value: object, *, key: str = "") -> Iterator[str]:
    """Yield the texts in a payload, whatever it is nested in."""
    if isinstance(value, dict):
        for name, inner in value.items():
            yield from _seen(inner, key=name)
    elif isinstance(value, list):
        for inner in value:
            yield from _seen(inner, key=key)
    elif isinstance(value, str) and key in _SEEN:
        yield value
