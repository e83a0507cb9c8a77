"""What a user chose in an option, a select or a form must belong to the guild, and they must be able to see it."""

from collections.abc import Iterator, Mapping
from enum import Enum, auto
from typing import Any, Final, cast

import discord
from discord import AppCommandOptionType, ComponentType

from fileflare_bot.i18n import N_
from fileflare_bot.refusal import Refusal


class NotFromHere(Refusal):
    """Raised when a chosen channel, role, member or message is not the guild's, or hidden from the user."""

    sentence = N_("**That is not in this server, or you cannot see it.** Choose again.")


class _Kind(Enum):
    CHANNEL = auto()
    ROLE = auto()
    MEMBER = auto()
    USER = auto()  # who may have left the guild


_OPTIONS: Final = {
    AppCommandOptionType.channel.value: _Kind.CHANNEL,
    AppCommandOptionType.role.value: _Kind.ROLE,
    AppCommandOptionType.user.value: _Kind.USER,
}
_SELECTS: Final = {
    ComponentType.channel_select.value: _Kind.CHANNEL,
    ComponentType.role_select.value: _Kind.ROLE,
    ComponentType.user_select.value: _Kind.MEMBER,
}


def check_chosen(interaction: discord.Interaction[Any]) -> None:
    """Check every channel, role, member and message that the user chose.

    Raises:
        NotFromHere: one of them is of another guild, unknown, or hidden from the user.
    """
    data = cast("dict[str, Any]", interaction.data or {})
    resolved = data.get("resolved") or {}
    if not all(_is_here(kind, str(value), resolved, interaction) for kind, value in _chosen(data)):
        raise NotFromHere
    for message in (resolved.get("messages") or {}).values():
        if str(message.get("channel_id")) != str(interaction.channel_id):  # the target of a message command
            raise NotFromHere


def _chosen(data: Mapping[str, Any]) -> Iterator[tuple[_Kind, Any]]:
    """Yield what was chosen in a command's options, in a message's select, or in a form."""
    if "component_type" in data:
        yield from _of_select(data["component_type"], data)
    waiting = [(option, _OPTIONS) for option in data.get("options") or ()]
    waiting += [(component, _SELECTS) for component in data.get("components") or ()]
    while waiting:
        part, kinds = waiting.pop()
        inner = [*(part.get("options") or ()), *(part.get("components") or ())]
        inner += [part["component"]] if "component" in part else []
        waiting += [(each, kinds) for each in inner]
        if kinds is _SELECTS:
            yield from _of_select(part.get("type"), part)
        elif part.get("type") in kinds:
            yield kinds[part["type"]], part.get("value")


def _of_select(kind: Any, part: Mapping[str, Any]) -> Iterator[tuple[_Kind, Any]]:  # noqa: ANN401 - any JSON value
    if kind in _SELECTS:
        yield from ((_SELECTS[kind], value) for value in part.get("values") or ())


def _is_here(kind: _Kind, value: str, resolved: Mapping[str, Any], interaction: discord.Interaction[Any]) -> bool:
    guild, user = interaction.guild, interaction.user
    if kind is _Kind.USER:
        return value in (resolved.get("users") or {})
    if guild is None or not isinstance(user, discord.Member) or not (value.isascii() and value.isdecimal()):
        return False
    match kind:
        case _Kind.MEMBER:
            return value in (resolved.get("members") or {})
        case _Kind.ROLE:
            return guild.get_role(int(value)) is not None
        case _Kind.CHANNEL:
            channel = guild.get_channel_or_thread(int(value))
            return channel is not None and channel.permissions_for(user).view_channel
