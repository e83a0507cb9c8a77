"""The names of a guild's settings, and what was changed of them, in words."""

from collections.abc import Callable, Iterable, Mapping
from typing import Any, Final

from babel import Locale, UnknownLocaleError

from fileflare_bot.i18n import N_, Translator
from fileflare_bot.storage.options import LaterAccounts, Match
from fileflare_bot.storage.records import SettingChange
from fileflare_bot.storage.setup_changes import ANSWER_TEXTS, ANSWERS, IMPORTED, NAMED
from fileflare_bot.text import clean, escape

WHERE: Final = N_("Where do I find my order link?")
WORDS: Final = {  # of the panel
    "title": N_("Title"),
    "text": N_("Text"),
    "button": N_("Button"),
    "colour": N_("Colour"),
    "where": WHERE,
    "account_url": WHERE,
}
SETTINGS: Final = {
    "support_channel_id": N_("Support channel"),
    "log_channel_id": N_("Log channel"),
    "ping_role_id": N_("Role to ping"),
    "moderator_role_ids": N_("Moderator roles"),
    "language": N_("Language"),
    "wording": N_("The panel's words"),
    "help_open_per_person": N_("Open help requests of a person"),
    "remind_after_hours": N_("Hours until moderators are reminded"),
    "close_after_days": N_("Days until a silent customer is asked"),
    "help_screenshots": N_("Screenshots"),
    "buyers_roles": N_("Buyers' roles"),
    "rules": N_("Rules for buyers' roles"),
    "products": N_("Confirmed products"),
    "accounts_per_order": N_("Accounts an order counts for"),
    "later_accounts": N_("A second account on an order"),
    "saved_orders": N_("Saved orders"),
    "leak_guard": N_("Leak guard"),
    "leak_guard_spares_moderators": N_("Leak guard spares moderators"),
    ANSWERS: N_("Saved answers"),
    ANSWER_TEXTS: N_("Saved answers that get another text"),
}
_IN_FILE: Final = {  # the names in a file of settings that differ
    "support_channel": "support_channel_id",
    "log_channel": "log_channel_id",
    "ping_role": "ping_role_id",
    "moderator_roles": "moderator_role_ids",
    "answers": ANSWERS,
}
_LATER: Final = {LaterAccounts.LINKS: N_("links, but no roles"), LaterAccounts.REFUSE: N_("refused")}
_COUNTED: Final = {"rules", "products", ANSWERS}
MATCHES: Final = {  # what a rule for buyers' roles compares
    Match.ANY_ORDER: N_("any order"),
    Match.PRODUCT_ID: N_("product"),
    Match.VARIANT_ID: N_("variant"),
    Match.SKU: N_("SKU"),
    Match.TAG: N_("tag"),
    Match.VENDOR: N_("vendor"),
}


def translated(labels: Mapping[str, str], translator: Translator) -> dict[str, str]:
    """Return these names in the reader's language."""
    return {name: translator.gettext(label) for name, label in labels.items()}


def label_in_file(path: str) -> str | None:
    """Return the name that the setup has for what a file of settings calls ``options.wording.colour``."""
    match path.removeprefix("options.").split("."):
        case ["wording", field, *_]:
            return WORDS.get(field)
        case [setting, *_]:
            return SETTINGS.get(_IN_FILE.get(setting, setting))
    return None


def change_lines(changes: Iterable[SettingChange], translator: Translator, *, ahead: bool = False) -> list[str]:
    """Return a line for each change, with the values before and after where they are short.

    ``ahead`` says that nothing is changed yet: then a loss of rules is marked.
    """
    names, changes = translated(SETTINGS, translator), [*changes]
    called = {change.setting.removesuffix(NAMED): change for change in changes if change.setting.endswith(NAMED)}
    lines = []
    for change in changes:
        if change.setting in SETTINGS:
            mark = "⚠️" if ahead and change.setting == "rules" and change.before else "•"
            what = _what(change, called.get(change.setting), translator)
            lines.append(f"{mark} {names[change.setting]}: {what}")
    if any(change.setting == IMPORTED.setting for change in changes):
        lines.insert(0, translator.gettext("By a file, with /store import:"))
    return lines


def rule_line(match: Match, value: str, role_ids: Iterable[int], translator: Translator, name: str = "") -> str:
    """Return a rule for buyers' roles in words; ``name`` is that of its product or variant."""
    code = f" {_code(value)}" if value else ""
    named = f" **{escape(clean(name))}**" if clean(name) else ""
    roles = ", ".join(f"<@&{role}>" for role in role_ids)
    return translator.gettext(MATCHES[match]) + named + code + " → " + roles


def _what(change: SettingChange, named: SettingChange | None, translator: Translator) -> str:
    if named is not None:
        gone = _names(named.setting, named.before, change.before, translator)
        new = _names(named.setting, named.after, change.after, translator)
        if change.setting == ANSWER_TEXTS:
            return new
        added = translator.gettext("added: {names}", names=new) if new else ""
        return "; ".join(filter(None, [translator.gettext("taken away: {names}", names=gone) if gone else "", added]))
    if change.setting == "wording":
        words = translated(WORDS, translator)
        return ", ".join(dict.fromkeys(words[field] for field in change.after if field in words))
    if change.setting == ANSWER_TEXTS:
        return translator.number(change.after)
    if change.setting in _COUNTED:
        gone, new = translator.number(change.before), translator.number(change.after)
        return translator.gettext("{gone} taken away, {new} added", gone=gone, new=new)
    said = _SAID.get(change.setting, _value)
    return f"{said(change.before, translator)} → {said(change.after, translator)}"


def _names(setting: str, named: list[Any], count: int | None, translator: Translator) -> str:
    """Return the names of what is gone or new, ``count`` of it, and how many more there are."""
    match setting.removesuffix(NAMED):
        case "rules":
            said = [rule_line(Match(match), value, roles, translator, name) for match, value, roles, name in named]
        case "products":
            said = [f"{escape(clean(name)) or '?'} {_code(product_id)}" for name, product_id in named]
        case _:
            said = [escape(clean(name)) for name in named]
    if (more := (count or 0) - len(named)) > 0:
        said.append(translator.ngettext("… and {count} more", "… and {count} more", more))
    return ", ".join(said)


def _code(text: str) -> str:
    return f"`{clean(text).replace('`', '')}`"


def _value(value: Any, translator: Translator) -> str:  # noqa: ANN401 - JSON
    match value:
        case True:
            return translator.gettext("on")
        case False:
            return translator.gettext("off")
        case int():
            return translator.number(value)
    return translator.gettext("none")


def _channel(value: Any, translator: Translator) -> str:  # noqa: ANN401 - JSON
    return translator.gettext("none") if value is None else f"<#{value}>"


def _roles(value: Any, translator: Translator) -> str:  # noqa: ANN401 - JSON
    roles = value if isinstance(value, list) else filter(None, [value])
    return ", ".join(f"<@&{role}>" for role in roles) or translator.gettext("none")


def _language(value: Any, translator: Translator) -> str:  # noqa: ANN401 - JSON
    if not value:
        return translator.gettext("the server's own")
    try:
        return Locale.parse(value.replace("-", "_")).get_display_name(translator.locale) or "?"
    except (ValueError, UnknownLocaleError):  # of a version that took any
        return "?"


def _most_open(value: Any, translator: Translator) -> str:  # noqa: ANN401 - JSON
    return translator.gettext("the operator's") if value is None else translator.number(value)


def _later(value: Any, translator: Translator) -> str:  # noqa: ANN401 - JSON
    return translator.gettext(_LATER[LaterAccounts(value)])


_SAID: Final[dict[str, Callable[[Any, Translator], str]]] = {
    "support_channel_id": _channel,
    "log_channel_id": _channel,
    "ping_role_id": _roles,
    "moderator_role_ids": _roles,
    "language": _language,
    "help_open_per_person": _most_open,
    "later_accounts": _later,
}
