"""The rules for buyers' roles: which roles an order brings, and which of its products make them do so."""

import hashlib
import re
from collections.abc import Collection, Iterable, Iterator
from typing import ClassVar, Final

from fileflare_bot.i18n import N_
from fileflare_bot.orders.hiding import hide_order
from fileflare_bot.orders.models import Order, Product
from fileflare_bot.orders.plain import plain_name
from fileflare_bot.refusal import Refusal
from fileflare_bot.storage.options import MOST_RULES, UNFORGEABLE, Match, Options, RoleRule, rule_value
from fileflare_bot.storage.records import Property, SeenProduct

LONGEST_VALUE: Final = 100  # characters of a value that a rule matches


_WHICH: Final = {
    Match.PRODUCT_ID: N_("**Which product?** Fill in `value`; I suggest those that I know while you type."),
    Match.VARIANT_ID: N_("**Which variant?** Fill in `value`; I suggest those that I know while you type."),
    Match.SKU: N_("**Which SKU?** Fill in `value`."),
    Match.TAG: N_("**Which tag?** Fill in `value`."),
    Match.VENDOR: N_("**Which vendor?** Fill in `value`."),
}


class RuleNeedsValue(Refusal):
    """Raised when a new rule for buyers' roles lacks the value that orders are compared with."""

    sentence = _WHICH[Match.TAG]

    def __init__(self, match: Match) -> None:
        super().__init__()
        self.sentence = _WHICH[match]


class NoShopifyNumber(Refusal):
    """Raised when a new rule names a product or variant, but not by Shopify's number, so it could match no order."""

    sentence = N_(
        "**That is not Shopify's number of a product or variant, so no order would match it.** Choose one of those "
        "that I suggest while you type `value`, or paste its address from Shopify's admin. /store products makes me "
        "know yours."
    )


class NoSuchRule(Refusal):
    """Raised when no rule for buyers' roles is the chosen one, or has that number."""

    sentence = N_("**There is no such rule any more.** Choose one that I suggest, or its number in /store roles list.")
    no_number: ClassVar[str] = N_(
        "**There is no rule number {number}.** Choose one that I suggest, or its number in /store roles list."
    )

    def __init__(self, number: str = "") -> None:
        super().__init__(number=number)
        if number:
            self.sentence = self.no_number


class TooManyRules(Refusal):
    """Raised when a guild has the largest allowed number of rules for buyers' roles."""

    sentence = N_("**There are 25 rules already.** Remove one first.")


def with_rule(options: Options, match: Match, value: str, role_ids: Iterable[int]) -> tuple[RoleRule, ...]:
    """Return the rules with a new one at the end.

    The name of a confirmed product stands for its number: of others, anybody can bring one of that name.

    Raises:
        RuleNeedsValue: the match needs a value.
        NoShopifyNumber: the value is no product or variant.
        TooManyRules: there are 25 already.
    """
    if match is not Match.ANY_ORDER and not value.strip():
        raise RuleNeedsValue(match)
    if len(options.rules) >= MOST_RULES:
        raise TooManyRules
    meant = rule_value(match, value)
    if meant is None and match is Match.PRODUCT_ID:
        name = value.strip().casefold()
        named = [product.product_id for product in options.products if product.name.casefold() == name]
        meant = named[0] if len(named) == 1 else None
    if meant is None:
        raise NoShopifyNumber
    return (*options.rules, RoleRule(match=match, value=meant, role_ids=tuple(dict.fromkeys(role_ids))))


def rule_key(rule: RoleRule) -> str:
    """Return what stands for a rule in a suggestion: it means this rule, whatever number the rule has by then."""
    return "rule-" + hashlib.sha256(rule.model_dump_json().encode()).hexdigest()[:16]


def without_rule(rules: tuple[RoleRule, ...], chosen: str) -> tuple[RoleRule, tuple[RoleRule, ...]]:
    """Return the chosen rule, by its key or its number from 1, and the others.

    Raises:
        NoSuchRule: there is none.
    """
    for index, rule in enumerate(rules):
        if chosen.strip() in {rule_key(rule), str(index + 1)}:
            return rule, (*rules[:index], *rules[index + 1 :])
    raise NoSuchRule(str(int(chosen)) if re.fullmatch(r"\d{1,4}", chosen.strip()) else "")


def roles_for(order: Order, options: Options) -> list[int]:
    """Return the IDs of the roles that an order brings, by rules_for()."""
    return list(dict.fromkeys(role for rule in rules_for(order, options) for role in rule.role_ids))


def rules_for(order: Order, options: Options) -> list[RoleRule]:
    """Return the rules that fit an order; none for an order without files.

    Anybody can have another store's order with the same tag, SKU or vendor. So only the lines with a confirmed product
    count, except for the rules that name a product or a variant.
    """
    if not order.asset_count:
        return []
    bought = {_compared(each.match, each.value) for each in _matchable(order, options.product_ids)}
    return [rule for rule in options.rules if _compared(rule.match, rule.value) in bought]


def products_in(order: Order) -> list[SeenProduct]:
    """Return the products of an order, each once."""
    found: dict[str, SeenProduct] = {}
    for product in (line.product for line in order.lines):
        if product.product_id and len(product.product_id) <= LONGEST_VALUE:
            name, vendor = (_shown(text)[:LONGEST_VALUE] for text in (product.name, product.vendor))
            found.setdefault(product.product_id, SeenProduct(product.product_id, name, vendor))
    return list(found.values())


def properties_in(order: Order, product_ids: Collection[str]) -> list[Property]:
    """Return the properties of those of an order's products that are confirmed, each once."""
    confirmed = (line.product for line in order.lines if line.product.product_id in product_ids)
    found = dict.fromkeys(each for product in confirmed for each in _properties(product))
    return [each for each in found if hide_order(each.value, "", "…") == each.value]  # no address is suggested


def _matchable(order: Order, product_ids: Collection[str]) -> Iterator[Property]:
    """Yield what the rules are compared with."""
    for product in (line.product for line in order.lines):
        confirmed = product.product_id in product_ids
        if confirmed:
            yield Property(Match.ANY_ORDER, "", "")
        yield from (each for each in _properties(product) if confirmed or each.match in UNFORGEABLE)


def _compared(match: Match, value: str) -> tuple[Match, str]:
    """Return what is compared: Shopify does not tell tags apart by case."""
    return match, value.strip().casefold() if match is Match.TAG else value


def _properties(product: Product) -> Iterator[Property]:
    name, variant = _shown(product.name), _shown(product.variant_name)
    whole = f"{name} — {variant}" if variant else name
    values = [
        (Match.PRODUCT_ID, product.product_id, name),
        (Match.VARIANT_ID, product.variant_id, whole),
        (Match.SKU, product.sku, f"{product.sku} ({whole})"),
        (Match.VENDOR, product.vendor, product.vendor),
        *((Match.TAG, tag, tag) for tag in product.tags),
    ]
    for match, value, label in values:
        if value and len(value) <= LONGEST_VALUE:
            yield Property(match, value, (label or value)[:LONGEST_VALUE])


def _shown(text: str | None) -> str:
    """Return a name as others may see it: in one line, without addresses."""
    return hide_order(plain_name(text), "", "…")
