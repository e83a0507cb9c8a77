"""A store owner's options: each has a default and bounds, also when it comes from a file."""

import re
from enum import StrEnum
from typing import Annotated, Any, Final

from pydantic import (
    AfterValidator,
    BaseModel,
    ConfigDict,
    Field,
    HttpUrl,
    StringConstraints,
    TypeAdapter,
    ValidationError,
    ValidationInfo,
    ValidatorFunctionWrapHandler,
    WrapValidator,
)
from pydantic_core import PydanticCustomError

from fileflare_bot.i18n import N_
from fileflare_bot.text import clean

LONGEST_TEXT: Final = 1500  # characters of the panel's text, the longest of its words
MOST_RULES: Final = 25
MOST_PRODUCTS: Final = 500
MOST_ROLES_OF_A_RULE: Final = 5
MOST_MODERATOR_ROLES: Final = 10
MOST_COUNTED: Final = 100  # accounts of an order, or open help requests of a person
MOST_HOURS: Final = 336  # until moderators are reminded of a ticket that they have not answered
MOST_DAYS: Final = 60  # until a silent customer is asked, and as many again until their ticket is closed
_COLOUR: Final = re.compile(r"#[0-9a-f]{6}", re.IGNORECASE)
_URL: Final = TypeAdapter(HttpUrl)
_SCHEME: Final = re.compile(r"https?://", re.IGNORECASE)
_ANY_SCHEME: Final = re.compile(r"[a-z][a-z0-9+.-]{0,30}://", re.IGNORECASE)
_WITHOUT_SCHEME: Final = re.compile(r"(?:[\w-]+\.)+[^\W\d_]{2,}(?::\d{1,5})?(?:[/?#]\S*)?")  # shop.example/orders


class Match(StrEnum):
    """What a role rule compares."""

    ANY_ORDER = "any_order"
    PRODUCT_ID = "product_id"
    VARIANT_ID = "variant_id"
    SKU = "sku"
    TAG = "tag"
    VENDOR = "vendor"


UNFORGEABLE: Final = frozenset({Match.PRODUCT_ID, Match.VARIANT_ID})  # their rules need no confirmed product
_IN_ADMIN: Final = {  # https://admin.shopify.com/store/my-store/products/123/variants/456
    Match.PRODUCT_ID: re.compile(r"/products/([0-9]+)(?![^/?#])"),
    Match.VARIANT_ID: re.compile(r"/variants/([0-9]+)(?![^/?#])"),
}
_NUMBER: Final = re.compile(r"[0-9]+")


def rule_value(match: Match, value: str) -> str | None:
    """Return what a rule's value means; None if it can match nothing.

    Of a product or a variant that is Shopify's number, which a pasted address of its admin page holds.
    """
    value = value.strip()
    if match is Match.ANY_ORDER:
        return ""
    if match not in UNFORGEABLE or _NUMBER.fullmatch(value):
        return value or None
    found = _IN_ADMIN[match].search(value)
    return found[1] if found else None


class LaterAccounts(StrEnum):
    """What users get who open an order after its limit of claims is reached."""

    REFUSE = "refuse"
    LINKS = "links"


def _colour(value: str) -> str:
    if value and not _COLOUR.fullmatch(value):
        raise ValueError(N_("must look like #2a9d8f"))
    return value.lower()


def _language(value: str, info: ValidationInfo) -> str:
    """Refuse a language that the bot does not speak, if the context holds its languages: in a file."""
    known = (info.context or {}).get("languages")
    if value and known is not None and value not in known:
        raise PydanticCustomError("enum", "unknown language", {"expected": ", ".join(known)})
    return value


def is_address(text: str) -> bool:
    """Return whether a text is meant as an address, with or without https:// or the like before it."""
    return bool(_ANY_SCHEME.match(text) or _WITHOUT_SCHEME.fullmatch(text))


def _address(value: str) -> str:
    """Return an address with https://, whatever people left out; stores have no other."""
    plain = _SCHEME.sub("", value, count=1)
    other = plain == value and _ANY_SCHEME.match(value)  # such as ftp://, which no store has
    address = "https://" + plain if is_address(value) and not other else value
    try:
        secure = not address or _URL.validate_python(address).scheme == "https"
    except ValidationError:
        secure = False
    if not secure:
        raise ValueError(N_("must be an address such as https://my-store.com/account"))
    return address


def _or_else(sentence: str) -> WrapValidator:
    """Return a validator that says what belongs there, whatever is wrong with a value."""

    def check(value: object, check: ValidatorFunctionWrapHandler) -> object:
        try:
            return check(value)
        except ValidationError:
            raise ValueError(sentence) from None

    return WrapValidator(check)


Count = Annotated[int, Field(ge=1, le=MOST_COUNTED), _or_else(N_("must be a whole number from 1 to 100"))]
Hours = Annotated[int, Field(ge=1, le=MOST_HOURS), _or_else(N_("must be a whole number from 1 to 336"))]
Days = Annotated[int, Field(ge=1, le=MOST_DAYS), _or_else(N_("must be a whole number from 1 to 60"))]
Snowflake = Annotated[int, Field(gt=0, lt=2**63)]


class _Model(BaseModel):
    model_config = ConfigDict(frozen=True, extra="forbid", hide_input_in_errors=True)


class RoleRule(_Model):
    """Roles for buyers of a matching product. ``value`` is empty for any order."""

    match: Match
    value: Annotated[str, StringConstraints(max_length=100, strip_whitespace=True)] = ""
    role_ids: Annotated[tuple[Snowflake, ...], Field(min_length=1, max_length=MOST_ROLES_OF_A_RULE)]


class StoreProduct(_Model):
    """A product that the owner has confirmed as the store's own; its ID is Shopify's, the only thing nobody can forge.

    Source: shopify.dev/docs/api/admin-graphql/latest/objects/Product, "id: globally unique".
    """

    product_id: Annotated[str, StringConstraints(min_length=1, max_length=100)]
    name: Annotated[str, StringConstraints(max_length=100)] = ""


class Wording(_Model):
    """The store's own texts on the panel; empty ones fall back to the bot's."""

    title: Annotated[str, StringConstraints(max_length=100, strip_whitespace=True)] = ""
    text: Annotated[str, StringConstraints(max_length=LONGEST_TEXT, strip_whitespace=True)] = ""
    button: Annotated[str, StringConstraints(max_length=60, strip_whitespace=True)] = ""
    colour: Annotated[str, AfterValidator(_colour)] = ""
    where: Annotated[str, StringConstraints(max_length=500, strip_whitespace=True)] = ""
    account_url: Annotated[str, StringConstraints(max_length=300, strip_whitespace=True), AfterValidator(_address)] = ""

    @property
    def where_to_find(self) -> str:
        """Where customers of this store find their order link; empty if the owner has not said so.

        It may use Markdown, as the owner's own messages do, so it belongs into an embed of its own or at one's end.
        """
        address = f"<{self.account_url}>" if self.account_url else ""
        return "\n".join(part for part in (address, clean(self.where, lines=True)) if part)


class Options(_Model):
    """A guild's options, apart from its channels and moderators."""

    language: Annotated[str, StringConstraints(max_length=10), AfterValidator(_language)] = ""
    wording: Wording = Wording()
    help_open_per_person: Count | None = None
    remind_after_hours: Hours | None = None
    close_after_days: Days | None = None
    help_screenshots: bool = False
    buyers_roles: bool = False
    rules: Annotated[tuple[RoleRule, ...], Field(max_length=MOST_RULES)] = ()
    products: Annotated[tuple[StoreProduct, ...], Field(max_length=MOST_PRODUCTS)] = ()
    accounts_per_order: Count = 1
    later_accounts: LaterAccounts = LaterAccounts.LINKS
    saved_orders: bool = True
    leak_guard: bool = False
    leak_guard_spares_moderators: bool = True

    @property
    def product_ids(self) -> frozenset[str]:
        """The confirmed products' IDs."""
        return frozenset(product.product_id for product in self.products)

    @property
    def buyers_role_ids(self) -> list[int]:
        """The roles that rules bring to buyers, each once."""
        return list(dict.fromkeys(role for rule in self.rules for role in rule.role_ids))

    @property
    def waiting_rules(self) -> int:
        """How many rules wait until a product is confirmed."""
        return 0 if self.products else sum(rule.match not in UNFORGEABLE for rule in self.rules)


DEFAULT_OPTIONS: Final = Options()


def stored_options(stored: dict[str, Any] | None) -> Options:
    """Return the options, with defaults for those that a newer version of the bot stored differently."""
    stored = stored or {}
    try:
        return Options.model_validate(stored)
    except ValidationError as error:
        wrong = {str(detail["loc"][0]) for detail in error.errors()}
        return Options.model_validate({name: value for name, value in stored.items() if name not in wrong})
