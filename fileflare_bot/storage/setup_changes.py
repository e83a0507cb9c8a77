"""What differs between two states of a guild's settings, for the log and for whoever is about to replace them."""

from collections.abc import Callable, Iterable, Iterator
from typing import Any, Final, TypeVar

from fileflare_bot.discord_limits import shorten
from fileflare_bot.orders.hiding import hide_references
from fileflare_bot.storage.options import Options, RoleRule, StoreProduct, Wording
from fileflare_bot.storage.records import GuildSettings, SettingChange

MOST_ANSWERS: Final = 25  # options of a select
ANSWERS: Final = "canned_answers"
ANSWER_TEXTS: Final = "canned_texts"  # of the answers that keep their name
_CHANNELS_AND_ROLES: Final = ("support_channel_id", "log_channel_id", "ping_role_id", "moderator_role_ids")
NAMED: Final = ":named"  # ends the setting of a change that says what its neighbour counts; see SettingChange
IMPORTED: Final = SettingChange("imported", None, True)
MOST_NAMED: Final = 10  # rules or products that are gone, and as many that are new; of answers all 25
LONGEST_NAMED: Final = 50  # characters

T = TypeVar("T")


def changes_between(before: GuildSettings, after: GuildSettings) -> list[SettingChange]:
    """Return the settings that differ."""
    found = [
        SettingChange(name, _plain(getattr(before, name)), _plain(getattr(after, name)))
        for name in _CHANNELS_AND_ROLES
        if getattr(before, name) != getattr(after, name)
    ]
    return [*found, *_of_options(before.options, after.options), *_of_answers(before, after)]


def _of_options(before: Options, after: Options) -> Iterator[SettingChange]:
    old, new = before.model_dump(mode="json"), after.model_dump(mode="json")
    known = {product.product_id: product.name for product in (*before.products, *after.products)}
    for name in Options.model_fields:
        if old[name] == new[name]:
            continue
        if name == "wording":
            words = [field for field in Wording.model_fields if old[name][field] != new[name][field]]
            yield SettingChange(name, None, words)
        elif name == "rules":
            yield from _named(name, before.rules, after.rules, lambda rule: _rule(rule, known))
        elif name == "products":
            yield from _named(name, before.products, after.products, _product)
        else:
            yield SettingChange(name, old[name], new[name])


def _of_answers(before: GuildSettings, after: GuildSettings) -> Iterator[SettingChange]:
    old = {answer.name: answer.text for answer in before.canned_answers}
    new = {answer.name: answer.text for answer in after.canned_answers}
    yield from _named(ANSWERS, old, new, _safe, most=MOST_ANSWERS)
    if others := [name for name in new if name in old and old[name] != new[name]]:
        yield SettingChange(ANSWER_TEXTS, None, len(others))
        yield SettingChange(ANSWER_TEXTS + NAMED, [], [_safe(name) for name in others])


def _named(
    setting: str, before: Iterable[T], after: Iterable[T], name: Callable[[T], Any], *, most: int = MOST_NAMED
) -> Iterator[SettingChange]:
    """Yield how many are gone and new, and then their names, if there are any."""
    old, new = dict.fromkeys(before), dict.fromkeys(after)
    gone, added = [each for each in old if each not in new], [each for each in new if each not in old]
    if gone or added:
        yield SettingChange(setting, len(gone), len(added))
        yield SettingChange(setting + NAMED, [*map(name, gone[:most])], [*map(name, added[:most])])


def _rule(rule: RoleRule, products: dict[str, str]) -> list[Any]:
    return [rule.match, _safe(rule.value), [*rule.role_ids], _safe(products.get(rule.value, ""))]


def _product(product: StoreProduct) -> list[str]:
    return [_safe(product.name), _safe(product.product_id)]


def _safe(text: str) -> str:
    """Return the beginning of a text without what may be an order ID or link: the log channel is no place for it."""
    return shorten(hide_references(text, "…"), LONGEST_NAMED)


def _plain(value: object) -> object:
    return list(value) if isinstance(value, tuple) else value
