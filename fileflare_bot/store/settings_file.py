"""A server's settings as a JSON file, and back, also into another server, where channels and roles go by name."""

import json
from collections.abc import Iterable
from typing import Annotated, Any, Final

import discord
from pydantic import BaseModel, ConfigDict, Field, StringConstraints, ValidationError

from fileflare_bot.storage.guilds import MOST_ANSWERS
from fileflare_bot.storage.options import (
    MOST_MODERATOR_ROLES,
    MOST_ROLES_OF_A_RULE,
    MOST_RULES,
    Match,
    Options,
    RoleRule,
)
from fileflare_bot.storage.records import SavedAnswer, Server
from fileflare_bot.text import clean, escape
from fileflare_bot.tickets.canned import LONGEST_ANSWER, UnknownPlaceholder, checked

VERSION: Final = 1
LARGEST_FILE: Final = 200_000  # bytes
_Name = Annotated[str, StringConstraints(min_length=1, max_length=100)]


class Unusable(Exception):  # noqa: N818 - it states a fact
    """Raised when a file holds no settings; ``where`` and ``why`` name the first thing wrong, without its value."""

    def __init__(self, where: str, why: str) -> None:
        super().__init__("unusable settings")
        self.where = where
        self.why = why


class _Model(BaseModel):
    model_config = ConfigDict(extra="forbid", hide_input_in_errors=True)


class _Rule(_Model):
    match: Match
    value: Annotated[str, StringConstraints(max_length=100)] = ""
    roles: Annotated[list[_Name], Field(min_length=1, max_length=MOST_ROLES_OF_A_RULE)]


class _Answer(_Model):
    name: Annotated[str, StringConstraints(min_length=1, max_length=50)]
    text: Annotated[str, StringConstraints(min_length=1, max_length=LONGEST_ANSWER)]


class _File(_Model):
    version: int = Field(ge=1, le=VERSION)
    support_channel: _Name | None = None
    log_channel: _Name | None = None
    ping_role: _Name | None = None
    moderator_roles: Annotated[list[_Name], Field(max_length=MOST_MODERATOR_ROLES)] = []
    answers: Annotated[list[_Answer], Field(max_length=MOST_ANSWERS)] = []
    rules: Annotated[list[_Rule], Field(max_length=MOST_RULES)] = []
    options: Options


def exported(server: Server, guild: discord.Guild) -> str:
    """Return a server's settings as JSON; channels and roles that do not exist any more are left out."""
    rules = [
        {"match": rule.match, "value": rule.value, "roles": names}
        for rule in server.options.rules
        if (names := _role_names(guild, rule.role_ids))
    ]
    content = {
        "version": VERSION,
        "support_channel": _channel_name(guild, server.support_channel_id),
        "log_channel": _channel_name(guild, server.log_channel_id),
        "ping_role": next(iter(_role_names(guild, filter(None, [server.ping_role_id]))), None),
        "moderator_roles": _role_names(guild, server.moderator_role_ids),
        "answers": [{"name": answer.name, "text": answer.text} for answer in server.answers],
        "rules": rules,
        "options": server.options.model_dump(mode="json", exclude={"rules"}),
    }
    return json.dumps(content, indent=2, ensure_ascii=False)


def imported(content: bytes, guild: discord.Guild) -> tuple[dict[str, Any], list[str]]:
    """Return the settings of a file for a server, and the names of what that server does not have.

    Raises:
        Unusable: it holds no settings that could be used as a whole.
    """
    try:
        file = _File.model_validate_json(content)
        answers = tuple(SavedAnswer(clean(answer.name) or "-", checked(answer.text)) for answer in file.answers)
    except ValidationError as error:
        first = error.errors(include_url=False, include_input=False)[0]
        raise Unusable(".".join(str(part) for part in first["loc"]) or "file", str(first["msg"])) from None
    except UnknownPlaceholder:
        raise Unusable("answers", "hold a placeholder that nothing fills") from None
    if len({answer.name for answer in answers}) < len(answers):
        raise Unusable("answers", "hold a name twice")
    missing: list[str] = []
    channels = {channel.name: channel.id for channel in reversed(guild.text_channels)}
    roles = {role.name: role.id for role in guild.roles if not role.is_default()}

    def find(known: dict[str, int], names: Iterable[str | None]) -> tuple[int, ...]:
        found = []
        for name in filter(None, names):
            if name in known:
                found.append(known[name])
            else:
                missing.append(escape(clean(name)))
        return tuple(dict.fromkeys(found))

    rules = [
        RoleRule(match=rule.match, value=rule.value, role_ids=role_ids)
        for rule in file.rules
        if (role_ids := find(roles, rule.roles))
    ]
    settings = {
        "support_channel_id": next(iter(find(channels, [file.support_channel])), None),
        "log_channel_id": next(iter(find(channels, [file.log_channel])), None),
        "ping_role_id": next(iter(find(roles, [file.ping_role])), None),
        "moderator_role_ids": find(roles, file.moderator_roles),
        "options": file.options.model_copy(update={"rules": tuple(rules)}),
        "answers": answers,
    }
    return settings, list(dict.fromkeys(missing))


def _channel_name(guild: discord.Guild, channel_id: int | None) -> str | None:
    channel = guild.get_channel(channel_id) if channel_id is not None else None
    return channel.name if channel is not None else None


def _role_names(guild: discord.Guild, role_ids: Iterable[int]) -> list[str]:
    return [role.name for role in map(guild.get_role, role_ids) if role is not None]
