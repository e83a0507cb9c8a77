"""Changes to a guild's settings: in the database, the log channel, the leak guard's rule, and the panels."""

from collections.abc import Callable, Collection, Iterator, Mapping
from contextlib import contextmanager
from typing import Any, Final, TypeVar

import discord
from pydantic import BaseModel, ValidationError
from pydantic_core import ErrorDetails

from fileflare_bot.background import soon_or
from fileflare_bot.discord_limits import shorten
from fileflare_bot.i18n import N_, Translator
from fileflare_bot.interactions import permissions
from fileflare_bot.interactions.access import MissingPermission
from fileflare_bot.leak_guard import GuardState, LeakGuard
from fileflare_bot.modlog import ModLog
from fileflare_bot.orders.reference import ADDRESS, OrderReference, parse_reference
from fileflare_bot.refusal import Refusal
from fileflare_bot.roles.moderators import check_makes_no_moderators, check_moderator_roles, check_ping_role
from fileflare_bot.roles.rights import check_for_buyers, check_may_give
from fileflare_bot.setup_words import SETTINGS, label_in_file
from fileflare_bot.storage.guilds import Guilds
from fileflare_bot.storage.options import UNFORGEABLE, Options, Wording, is_address
from fileflare_bot.storage.records import CannedAnswer, GuildSettings
from fileflare_bot.storage.role_grants import RoleGrants
from fileflare_bot.store.json_lines import line_of
from fileflare_bot.store.panel import Panels
from fileflare_bot.store.visibility import check_is_closed, everybody_can_read
from fileflare_bot.text import clean, escape

M = TypeVar("M", bound=BaseModel)
MOST_WRONG: Final = 5  # values that a refusal names
LONGEST_NAME: Final = 80  # characters that are repeated of a name in a file
LONGEST_VALUE: Final = 150  # characters that are repeated of anything else
_OF_THE_TEAM: Final = ("support_channel_id", "log_channel_id")
_WHOLE_NUMBER: Final = N_("must be a whole number")
_LIST: Final = N_("must be a list")
_READ_BY_CUSTOMERS: Final = N_("names #{channel}, which customers can read; it must be one that only your team sees")
_OBJECT: Final = N_("must be an object in braces")
_YES_OR_NO: Final = N_("must be true or false")
_ANOTHER_KIND: Final = N_("must be of another kind")
_MISSING_IN: Final = N_("is missing in what begins in line {line}")
HOLDS_AN_ORDER: Final = N_("must not hold the link of an order: everybody could open that order")
_WHYS: Final = {  # docs.pydantic.dev/latest/errors/validation_errors
    "missing": N_("is missing"),
    "extra_forbidden": N_("is no setting; take it out"),
    "string_type": N_("must be text in double quotes"),
    "string_too_long": N_("must have {max_length} characters at most"),
    "string_too_short": N_("must not be empty"),
    "too_long": N_("must have {max_length} entries at most"),
    "too_short": N_("must have an entry"),
    "greater_than_equal": N_("must be {ge} at least"),
    "less_than_equal": N_("must be {le} at most"),
    "enum": N_("must be one of these: {expected}"),
    "int_type": _WHOLE_NUMBER,
    "int_parsing": _WHOLE_NUMBER,
    "int_from_float": _WHOLE_NUMBER,
    "bool_type": _YES_OR_NO,
    "bool_parsing": _YES_OR_NO,
    "list_type": _LIST,
    "tuple_type": _LIST,
    "model_type": _OBJECT,
    "model_attributes_type": _OBJECT,
}


class WrongValue(Refusal):
    """Raised when a setting's value is invalid.

    ``where`` names the setting, as a file may call it; without one it is the file. ``why`` is a marked sentence about
    it, which ``values`` fill; ``at_line`` is the setting's line in a file. A form names its fields by their labels;
    ``others`` are the other fields that are invalid.
    """

    sentence = N_("**Nothing was changed:** {where} {why}.")

    def __init__(self, where: str, why: str, *, at_line: int | None = None, **values: str) -> None:
        super().__init__("wrong value")
        self.others: list[WrongValue] = []
        self._line = at_line
        self._setting = where
        self._label: str | None = None
        self._where = shorten(clean(where).replace("`", "'"), LONGEST_NAME)
        self._why = why
        self._filling = {name: escape(shorten(clean(value), LONGEST_VALUE)) for name, value in values.items()}

    def text(self, translator: Translator) -> str:
        """Return the sentence, with its reason in the user's language."""
        if self.others:
            lines = "\n".join("• {} {}.".format(*each.said(translator)) for each in (self, *self.others))
            return translator.gettext("**Nothing was changed:** these fields are not right yet.\n{lines}", lines=lines)
        where, why = self.said(translator)
        return translator.gettext(self.sentence, where=where, why=why)

    def said(self, translator: Translator) -> tuple[str, str]:
        """Return what the setting is called, and what is wrong with its value."""
        where = f"`{self._where}`" if self._where else translator.gettext("the file")
        if self._label is not None:
            where = "**" + translator.gettext(self._label) + "**"
        if self._where and self._line is not None:
            if label := label_in_file(self._setting):
                where = "**" + translator.gettext(label) + f"** ({where})"
            where = translator.gettext("{setting} in line {line}", setting=where, line=self._line)
        return where, translator.gettext(self._why, **self._filling)

    def in_form(self, labels: Mapping[str, str]) -> "WrongValue":
        """Name the fields of a form by their labels, which are marked sentences, in the form's order."""
        order = [*labels]
        found = [self, *self.others]
        for each in found:
            each._label = labels.get(each._setting)  # noqa: SLF001 - of the same class
        found.sort(key=lambda each: order.index(each._setting) if each._setting in labels else len(order))  # noqa: SLF001
        first, *others = found
        first.others, self.others = others, [] if first is not self else others
        return first


@contextmanager
def form(labels: Mapping[str, str]) -> Iterator[None]:
    """Have a wrong value name its field by its label in this form; ``labels`` are by setting."""
    try:
        yield
    except WrongValue as error:
        raise error.in_form(labels) from None


class StoreSettings:
    """Changes the settings of guilds for their owners."""

    def __init__(
        self, guilds: Guilds, grants: RoleGrants, modlog: ModLog, leak_guard: LeakGuard, panels: Panels
    ) -> None:
        self._guilds = guilds
        self._grants = grants
        self._modlog = modlog
        self._leak_guard = leak_guard
        self._panels = panels

    async def change(self, actor: discord.Member, **changed: Any) -> tuple[GuildSettings, GuardState]:  # noqa: ANN401 - fields of GuildSettings
        """Store channels or roles, and return the settings with the state of the leak guard.

        Raises:
            NotForModerators: one of the roles must not make moderators.
            PingsBuyers: buyers get the role to ping.
            OpenToCustomers: everybody can read one of the channels.
        """
        moderators = changed.get("moderator_role_ids", ())
        given = await self._grants.given_to_buyers(actor.guild.id, moderators)

        def check(settings: GuildSettings) -> None:
            check_moderator_roles(actor.guild, moderators, settings.options, given)
            check_ping_role(changed.get("ping_role_id"), settings.options)
            for setting in _OF_THE_TEAM:
                check_is_closed(actor.guild, changed.get(setting))

        settings = await self._guilds.change(actor.guild.id, actor.id, check, **changed)
        return settings, await self._apply(actor.guild)

    async def change_options(
        self, actor: discord.Member, change: Callable[[Options], Options]
    ) -> tuple[GuildSettings, GuardState]:
        """Change the options, and return the settings with the state of the leak guard.

        No other change comes between. What ``change`` raises changes nothing.

        Raises:
            PowerfulRole, ManagedRole, RoleOfEverybody, MakesModerators, PingsBuyers: buyers must not get a role of a
                new rule.
            MayNotGive, MissingPermission: the actor may not give what the change would bring to buyers.
        """
        brought: list[int] = []

        def checked(options: Options) -> Options:
            changed = change(options)
            _check_rights(actor, options, changed)
            brought[:] = [role for rule in changed.rules if rule not in options.rules for role in rule.role_ids]
            return changed

        def check(settings: GuildSettings) -> None:
            check_makes_no_moderators(brought, settings.moderator_role_ids)
            if settings.ping_role_id in brought:
                check_ping_role(settings.ping_role_id, settings.options)

        settings = await self._guilds.change_options(actor.guild.id, actor.id, checked, check)
        return settings, await self._apply(actor.guild)

    async def replace(
        self, actor: discord.Member, settings: dict[str, Any], canned_answers: tuple[CannedAnswer, ...]
    ) -> GuardState:
        """Replace the guild's settings and canned answers, all or none; return the state of the leak guard.

        Raises what check() does.
        """
        given = await self._grants.given_to_buyers(actor.guild.id, settings["moderator_role_ids"])

        def check(now: GuildSettings) -> None:
            _check(actor, now, settings, given)

        await self._guilds.replace(actor.guild.id, actor.id, settings, canned_answers, check)
        return await self._apply(actor.guild)

    async def check(self, actor: discord.Member, now: GuildSettings, settings: dict[str, Any]) -> None:
        """Check that replace() would not refuse these settings; a channel that is set already stays.

        Raises:
            PowerfulRole, ManagedRole, RoleOfEverybody, MayNotGive, MissingPermission: as for change_options().
            NotForModerators, PingsBuyers: as for change().
            WrongValue: everybody can read one of the channels.
        """
        _check(actor, now, settings, await self._grants.given_to_buyers(actor.guild.id, settings["moderator_role_ids"]))

    async def _apply(self, guild: discord.Guild) -> GuardState:
        """Bring Discord in line with the settings; what takes too long goes on meanwhile."""
        others = self._modlog.post_lines(guild.id), self._panels.settle_guild(guild.id)
        return await soon_or(GuardState.PENDING, self._leak_guard.ensure(guild), *others)


def _check(actor: discord.Member, now: GuildSettings, settings: dict[str, Any], given: Collection[int]) -> None:
    """Check new settings of a file, as StoreSettings.check() says; ``given`` are the roles given to buyers."""
    _check_rights(actor, now.options, settings["options"])
    check_moderator_roles(actor.guild, settings["moderator_role_ids"], settings["options"], given)
    check_ping_role(settings.get("ping_role_id", now.ping_role_id), settings["options"])
    for setting in _OF_THE_TEAM:
        channel_id = settings.get(setting)
        channel = actor.guild.get_channel(channel_id or 0)
        if channel is not None and channel_id != getattr(now, setting) and everybody_can_read(actor.guild, channel.id):
            raise WrongValue(setting, _READ_BY_CUSTOMERS, channel=channel.name).in_form(SETTINGS)


def _check_rights(actor: discord.Member, before: Options, after: Options) -> None:
    """Check that a change of options brings buyers no role that the actor may not give.

    A new rule brings its roles. A new product brings the roles of all rules that look at products' properties.
    """
    added = [rule for rule in after.rules if rule not in before.rules]
    check_for_buyers(actor.guild, [role for rule in added for role in rule.role_ids])
    if not after.product_ids <= before.product_ids:
        if not actor.guild_permissions.manage_roles:
            raise MissingPermission(permission=permissions.names(["manage_roles"]))
        added += [rule for rule in after.rules if rule.match not in UNFORGEABLE]
    check_may_give(actor, [role for rule in added for role in rule.role_ids])


def with_values(**changed: Any) -> Callable[[Options], Options]:  # noqa: ANN401 - fields of Options
    """Return a change of options to these values; it raises WrongValue if one is invalid."""
    return lambda options: validated(Options, options.model_dump() | changed)


def validated(model: type[M], values: dict[str, Any]) -> M:
    """Build a model from these values.

    Raises:
        WrongValue: a value is invalid; the error's text does not contain it.
    """
    try:
        return model.model_validate(values)
    except ValidationError as error:
        raise wrong_value(error) from None


def wrong_value(error: ValidationError, file: str | None = None) -> WrongValue:
    """Return the refusal that names up to five invalid values, in a file of JSON with their lines. It repeats none."""
    first, *others = error.errors(include_url=False, include_input=False)
    wrong = _wrong(first, file)
    wrong.others = [_wrong(other, file) for other in others[: MOST_WRONG - 1]]
    return wrong


def _wrong(found: ErrorDetails, file: str | None) -> WrongValue:
    context = {name: str(value) for name, value in found.get("ctx", {}).items()}
    why = context["error"] if found["type"] == "value_error" else _WHYS.get(found["type"], _ANOTHER_KIND)
    path, is_missing = found["loc"], found["type"] == "missing"
    line = None
    if file is not None:
        line = (None if is_missing else line_of(file, path)) or line_of(file, path[:-1])  # that of what lacks it
    if is_missing and line is not None:
        why, context, line = _MISSING_IN, {"line": str(line)}, None
    return WrongValue(".".join(str(part) for part in path), why, at_line=line, **context)


def parsed_wording(given: dict[str, str], where: str) -> Wording:
    """Return the panel's wording; the first line of ``where`` may be the store's account address.

    Raises:
        WrongValue: one of the texts is invalid.
    """
    address, _, text = where.partition("\n")
    if not is_address(address.strip()):
        address, text = "", where
    wording = validated(Wording, {**given, "account_url": address.strip(), "where": text.strip()})
    if field := with_an_order(wording.model_dump()):
        raise WrongValue(field, HOLDS_AN_ORDER)
    return wording


def with_an_order(wording: Mapping[str, Any]) -> str | None:
    """Return the name of a text that holds the link of an order, which everybody would read."""
    for field, text in wording.items():
        addresses = ADDRESS.findall(text) if isinstance(text, str) else []
        if any(isinstance(parse_reference(address), OrderReference) for address in addresses):
            return field
    return None
