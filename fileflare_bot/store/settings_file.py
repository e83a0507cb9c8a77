"""Exports a guild's settings as JSON, and imports them. Channels and roles go by name, so any guild can import them."""

import codecs
import re
from collections.abc import Collection, Iterable, Iterator, Mapping, Sequence
from dataclasses import dataclass
from typing import Annotated, Any, Final

import discord
from pydantic import BaseModel, ConfigDict, Field, StringConstraints, ValidationError, ValidationInfo, field_validator
from pydantic_core import from_json

from fileflare_bot.i18n import N_
from fileflare_bot.orders.reference import gives_away
from fileflare_bot.refusal import Refusal
from fileflare_bot.storage.guilds import MOST_CANNED_ANSWERS
from fileflare_bot.storage.options import (
    LONGEST_TEXT,
    MOST_MODERATOR_ROLES,
    MOST_ROLES_OF_A_RULE,
    MOST_RULES,
    UNFORGEABLE,
    Match,
    Options,
    RoleRule,
    rule_value,
)
from fileflare_bot.storage.records import CannedAnswer, GuildSettings
from fileflare_bot.store.changes import HOLDS_AN_ORDER, MOST_WRONG, WrongValue, with_an_order, wrong_value
from fileflare_bot.store.json_lines import line_of
from fileflare_bot.text import clean, escape
from fileflare_bot.tickets.canned import LONGEST_ANSWER, UnknownPlaceholder, checked

VERSION: Final = 1
LARGEST_FILE: Final = 200_000  # bytes
_PLACE: Final = re.compile(r"line (\d+) column (\d+)")
_NO_COMMA: Final = N_("needs a comma or a closing bracket in line {line}, column {column}")
_NO_COMMA_AFTER: Final = N_("needs a comma or a closing bracket after line {line}")
_BROKEN: Final = {  # how pydantic's parser begins to say it: docs.rs/jiter, JsonErrorType
    "EOF": N_("breaks off in line {line}, column {column}: the rest is missing"),
    "expected `:`": N_("needs a colon in line {line}, column {column}"),
    "expected `,`": _NO_COMMA,
    "key must be": N_("needs a name in double quotes in line {line}, column {column}"),
    "trailing comma": N_("has a comma too many before line {line}, column {column}"),
    "trailing characters": N_("must end before line {line}, column {column}"),
    "control character": N_("has a line break or a tab inside a text before line {line}, column {column}"),
    "invalid escape": N_("has a backslash in line {line}, column {column} that means nothing; write it twice"),
    "recursion": N_("has too many brackets inside each other in line {line}, column {column}"),
    "invalid unicode": N_("is no UTF-8 in line {line}, column {column}; save it as UTF-8"),
}
_NO_VALUE: Final = N_(
    "needs a value in line {line}, column {column}: text in double quotes, a number, true, false, null, a list or an "
    "object"
)
_NO_NUMBER: Final = N_(
    "must be Shopify's number of the product or variant; /store products shows those of your products"
)
_NO_CHANNEL: Final = N_("is no channel of this server")
_NO_ROLE: Final = N_("is no role of this server")
_EMPTY: Final = N_("must not be empty")
_NOTHING_FILLS: Final = N_("holds a placeholder that nothing fills; those are {{customer}}, {{order}} and {{file}}")
_Name = Annotated[str, StringConstraints(min_length=1, max_length=100)]


class NotSettings(Refusal):
    """Raised when a file for an import is something else."""

    sentence = N_(
        "**This is not a settings file.** Nothing was changed. Use the .json file that /store export gave you."
    )


class _Model(BaseModel):
    model_config = ConfigDict(extra="forbid", hide_input_in_errors=True)


class _Rule(_Model):
    match: Match
    value: Annotated[str, StringConstraints(max_length=100)] = Field("", validate_default=True)
    roles: Annotated[list[_Name], Field(min_length=1, max_length=MOST_ROLES_OF_A_RULE)]

    @field_validator("value")
    @classmethod
    def _matches(cls, value: str, info: ValidationInfo) -> str:
        match = info.data.get("match", Match.ANY_ORDER)  # one that is wrong is named itself
        meant = rule_value(match, value)
        if meant is None:
            raise ValueError(_NO_NUMBER if match in UNFORGEABLE else _EMPTY)
        return meant


class _Answer(_Model):
    name: Annotated[str, StringConstraints(min_length=1, max_length=50)]
    text: Annotated[str, StringConstraints(min_length=1, max_length=LONGEST_ANSWER)]

    @field_validator("name")
    @classmethod
    def _once(cls, name: str, info: ValidationInfo) -> str:
        name = clean(name) or "-"
        if info.context is not None:
            if name in info.context["names"]:
                raise ValueError(N_("is there twice"))
            if gives_away(name):
                raise ValueError(HOLDS_AN_ORDER)
            info.context["names"].add(name)
        return name

    @field_validator("text")
    @classmethod
    def _filled(cls, text: str, info: ValidationInfo) -> str:
        if info.context is not None and gives_away(text):
            raise ValueError(HOLDS_AN_ORDER)
        try:
            return text if info.context is None else checked(text)
        except UnknownPlaceholder:
            raise ValueError(_NOTHING_FILLS) from None


class _File(_Model):
    version: int = Field(ge=1, le=VERSION)
    support_channel: _Name | None = None
    log_channel: _Name | None = None
    ping_role: _Name | None = None
    moderator_roles: Annotated[list[_Name], Field(max_length=MOST_MODERATOR_ROLES)] = []
    answers: Annotated[list[_Answer], Field(max_length=MOST_CANNED_ANSWERS)] = []
    rules: Annotated[list[_Rule], Field(max_length=MOST_RULES)] = []
    options: Options


@dataclass(frozen=True, slots=True)
class Imported:
    """Settings read from a file; ``missing`` are channels and roles that the guild does not have: setting and name.

    A channel or role to ping that it does not have is not among the settings: what the guild has set stays.
    """

    settings: dict[str, Any]
    canned_answers: tuple[CannedAnswer, ...]
    missing: tuple[tuple[str, str], ...]


def exported(settings: GuildSettings, guild: discord.Guild) -> bytes:
    """Return a guild's settings as JSON, without channels and roles that are gone, and rules that match no order."""
    rules = [
        _Rule(match=rule.match, value=rule.value, roles=names)
        for rule in settings.options.rules
        if (names := _role_names(guild, rule.role_ids)) and rule_value(rule.match, rule.value) is not None
    ]
    file = _File(
        version=VERSION,
        support_channel=_channel_name(guild, settings.support_channel_id),
        log_channel=_channel_name(guild, settings.log_channel_id),
        ping_role=next(iter(_role_names(guild, filter(None, [settings.ping_role_id]))), None),
        moderator_roles=_role_names(guild, settings.moderator_role_ids),
        answers=[_Answer(name=answer.name, text=answer.text) for answer in settings.canned_answers if answer.text],
        rules=rules,
        options=settings.options,
    )
    return file.model_dump_json(indent=2, exclude={"options": {"rules"}}).encode()


def imported(content: bytes, guild: discord.Guild, languages: Sequence[str]) -> Imported:
    """Read a guild's settings from a file; ``languages`` are those that the bot speaks.

    Raises:
        NotSettings: the file is something else.
        WrongValue: the file is invalid.
    """
    channels = {channel.name: channel.id for channel in reversed(guild.text_channels)}
    roles = {role.name: role.id for role in guild.roles if not role.is_default()}
    try:
        file = _read(content, languages)
    except WrongValue as error:
        error.others = [*error.others, *_also_wrong(content, channels, roles)][: MOST_WRONG - 1]
        raise
    for wrong in _holding_an_order(file.options.wording.model_dump(), content):
        raise wrong
    missing: dict[tuple[str, str], None] = {}

    def find(setting: str, known: dict[str, int], names: Iterable[str]) -> tuple[int, ...]:
        names = list(names)
        missing.update(((setting, escape(clean(name))), None) for name in names if name not in known)
        return tuple(dict.fromkeys(known[name] for name in names if name in known))

    rules = tuple(
        RoleRule(match=rule.match, value=rule.value, role_ids=role_ids)
        for rule in file.rules
        if (role_ids := find("rules", roles, rule.roles))
    )
    settings: dict[str, Any] = {
        "moderator_role_ids": find("moderator_role_ids", roles, file.moderator_roles),
        "options": file.options.model_copy(update={"rules": rules}),
    }
    for setting, known, name in (
        ("support_channel_id", channels, file.support_channel),
        ("log_channel_id", channels, file.log_channel),
        ("ping_role_id", roles, file.ping_role),
    ):
        if name is None:
            settings[setting] = None
        elif found := find(setting, known, [name]):
            settings[setting] = found[0]
    canned_answers = tuple(CannedAnswer(answer.name, answer.text) for answer in file.answers)
    return Imported(settings, canned_answers, tuple(missing))


def _read(content: bytes, languages: Sequence[str]) -> _File:
    content = content.removeprefix(codecs.BOM_UTF8)
    if not content.lstrip().startswith(b"{"):
        raise NotSettings
    try:
        return _File.model_validate_json(content, context={"languages": languages, "names": set()})
    except ValidationError as error:
        if _is_other_json(error):
            raise NotSettings from None
        raise _broken_json(error, content) or wrong_value(error, _text(content)) from None


def _holding_an_order(wording: Mapping[str, Any], content: bytes) -> Iterator[WrongValue]:
    if field := with_an_order(wording):
        path = "options", "wording", field
        yield WrongValue(".".join(path), HOLDS_AN_ORDER, at_line=line_of(_text(content), path))


def _also_wrong(content: bytes, channels: Collection[str], roles: Collection[str]) -> Iterator[WrongValue]:
    """Yield what else is wrong in a file with mistakes, and what it names that the guild does not have.

    A good file is imported without the latter.
    """
    try:
        given = from_json(content.removeprefix(codecs.BOM_UTF8))
    except ValueError:
        return
    match given:
        case {"options": {"wording": dict(wording)}}:
            short = {field: text for field, text in wording.items() if len(str(text)) <= LONGEST_TEXT}  # or it is wrong
            yield from _holding_an_order(short, content)
    for field, known, why in (
        ("support_channel", channels, _NO_CHANNEL),
        ("log_channel", channels, _NO_CHANNEL),
        ("ping_role", roles, _NO_ROLE),
    ):
        name = given.get(field)
        if name and isinstance(name, str) and name not in known:
            yield WrongValue(field, why, at_line=line_of(_text(content), (field,)))


def _is_other_json(error: ValidationError) -> bool:
    """Return whether the settings are missing in a JSON that holds other things, such as that of another program."""
    errors = error.errors(include_url=False, include_input=False, include_context=False)
    kinds = {found["type"]: found["loc"] for found in errors if len(found["loc"]) == 1}
    return kinds.get("missing") == ("options",) and "extra_forbidden" in kinds


def _text(content: bytes) -> str:
    return content.decode("utf-8-sig", "replace")


def _broken_json(error: ValidationError, content: bytes) -> WrongValue | None:
    """Return the refusal that says where a file is no JSON, and what belongs there; None if it is JSON."""
    first = error.errors(include_url=False, include_input=False)[0]
    if first["type"] != "json_invalid":
        return None
    said = str(first["ctx"]["error"])
    why = next((why for begin, why in _BROKEN.items() if said.startswith(begin)), _NO_VALUE)
    line, column = map(int, _PLACE.findall(said)[0])
    if why == _NO_COMMA:
        *before, here = content.split(b"\n")[:line]
        while before and not here[: max(0, column - 1)].strip():  # nobody sees that it is missing where a line begins
            why, here, column = _NO_COMMA_AFTER, before.pop(), LARGEST_FILE
        line = len(before) + 1
    return WrongValue("", why, line=str(line), column=str(max(1, column)))  # of an empty line it is 0


def _channel_name(guild: discord.Guild, channel_id: int | None) -> str | None:
    channel = guild.get_channel(channel_id) if channel_id is not None else None
    return channel.name if channel is not None else None


def _role_names(guild: discord.Guild, role_ids: Iterable[int]) -> list[str]:
    return [role.name for role in map(guild.get_role, role_ids) if role is not None]
