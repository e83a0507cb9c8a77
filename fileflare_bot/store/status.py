"""What /store status says: what needs fixing, and how the lookups of the last 24 hours ended, in words."""

from collections import Counter
from collections.abc import Callable, Iterable
from dataclasses import dataclass
from typing import Final

from fileflare_bot.fileflare.request_queue import RequestQueue
from fileflare_bot.i18n import N_, Translator
from fileflare_bot.orders.reference import ReferenceProblem

Count = Callable[[Translator, int], str]  # a number of things, in words


@dataclass(frozen=True, slots=True)
class Group:
    """Lookups that ended alike, and what the owner can do about it.

    ``outcomes`` are those of the log, up to a dot.
    """

    outcomes: frozenset[str]
    count: Count
    advice: str = ""


BAD_REFERENCE: Final = "bad_reference"
STAYS: Final = N_("If it stays so, tell the bot's operator.")
_CUT_OFF: Final = Group(
    frozenset({"restarting", "line_closed", "discord_failed", "undelivered", "list_expired"}),
    lambda words, count: words.ngettext("{count} answer did not arrive", "{count} answers did not arrive", count),
    N_("Discord had a problem, or I was restarting. Nothing for you to do: they can ask again."),
)
GROUPS: Final = (
    Group(
        frozenset({"found"}), lambda words, count: words.ngettext("{count} order shown", "{count} orders shown", count)
    ),
    Group(
        frozenset({"no_files"}),
        lambda words, count: words.ngettext("{count} order without files", "{count} orders without files", count),
        N_("Attach files to what they bought, in the Fileflare app. If all orders are empty, look at its plan."),
    ),
    Group(
        frozenset({BAD_REFERENCE}),
        lambda words, count: words.ngettext(
            "{count} paste that was not an order link", "{count} pastes that were not an order link", count
        ),
        N_("Say where customers find their order link: /store setup > **The panel's words**."),
    ),
    Group(
        frozenset({"not_found"}),
        lambda words, count: words.ngettext(
            "{count} ID unknown to Fileflare", "{count} IDs unknown to Fileflare", count
        ),
        N_("Mostly a part of the ID is missing, or it is another store's order. They were told to copy the link anew."),
    ),
    Group(
        frozenset({"asked_too_often", "guessing"}),
        lambda words, count: words.ngettext(
            "{count} time somebody had to pause", "{count} times somebody had to pause", count
        ),
        N_("They asked very often, or tried IDs that do not exist. That keeps others' orders safe: nothing to do."),
    ),
    Group(
        frozenset({"held_by_others", "free_later"}),
        lambda words, count: words.ngettext(
            "{count} order that counts for another account", "{count} orders that count for another account", count
        ),
        N_("It was refused, as you chose in /store setup. Moderators move or release an order with /claims order."),
    ),
    Group(
        frozenset({"no_such_saved_order"}),
        lambda words, count: words.ngettext(
            "{count} saved order that was forgotten", "{count} saved orders that were forgotten", count
        ),
        N_("They were told to paste its link again. Nothing for you to do."),
    ),
    Group(
        frozenset({"timeout", "down", "busy"}),
        lambda words, count: words.ngettext(
            "{count} time Fileflare did not answer", "{count} times Fileflare did not answer", count
        ),
        N_("Nothing for you to do: they were told to try again later."),
    ),
    Group(
        frozenset({"unexpected_response"}),
        lambda words, count: words.ngettext(
            "{count} answer of Fileflare's that I cannot read",
            "{count} answers of Fileflare's that I cannot read",
            count,
        ),
        N_("Tell the bot's operator: Fileflare may have changed, and the bot may need an update."),
    ),
    Group(
        frozenset({"place_reserved", "queue_full"}),
        lambda words, count: words.ngettext(
            "{count} time too many people asked at once", "{count} times too many people asked at once", count
        ),
        N_("They have a place for later, and were told when. If that happens every day, tell the bot's operator."),
    ),
    Group(
        frozenset({"left_line", "asked_again"}),
        lambda words, count: words.ngettext(
            "{count} time somebody left the line or asked again",
            "{count} times somebody left the line or asked again",
            count,
        ),
        N_("Nothing for you to do: they did not want to wait, or asked twice for the same order."),
    ),
    Group(
        frozenset({"database_away"}),
        lambda words, count: words.ngettext(
            "{count} time the database did not answer", "{count} times the database did not answer", count
        ),
        STAYS,
    ),
    Group(
        frozenset({"bug"}),
        lambda words, count: words.ngettext("{count} fault of mine", "{count} faults of mine", count),
        N_("Tell the bot's operator, with the number that the customer was shown."),
    ),
    _CUT_OFF,
)
PASTES: Final[dict[ReferenceProblem, Count]] = {
    ReferenceProblem.ORDER_NUMBER: lambda words, count: words.ngettext(
        "{count} order number", "{count} order numbers", count
    ),
    ReferenceProblem.NEW_ACCOUNTS_ADDRESS: lambda words, count: words.ngettext(
        "{count} account page", "{count} account pages", count
    ),
    ReferenceProblem.CHECKOUT_ADDRESS: lambda words, count: words.ngettext(
        "{count} checkout page", "{count} checkout pages", count
    ),
    ReferenceProblem.OTHER_ADDRESS: lambda words, count: words.ngettext(
        "{count} other address", "{count} other addresses", count
    ),
    ReferenceProblem.EMAIL_ADDRESS: lambda words, count: words.ngettext(
        "{count} email address", "{count} email addresses", count
    ),
    ReferenceProblem.LICENCE_KEY: lambda words, count: words.ngettext(
        "{count} licence key", "{count} licence keys", count
    ),
    ReferenceProblem.CUT_OFF: lambda words, count: words.ngettext(
        "{count} cut-off link or ID", "{count} cut-off links or IDs", count
    ),
    ReferenceProblem.NOT_AN_ID: lambda words, count: words.ngettext("{count} other text", "{count} other texts", count),
    ReferenceProblem.EMPTY: lambda words, count: words.ngettext("{count} empty", "{count} empty", count),
}


def group_of(outcome: str) -> Group:
    """Return the group of a lookup's outcome."""
    kind = outcome.partition(".")[0]
    return next((group for group in GROUPS if kind in group.outcomes), _CUT_OFF)


def lookup_lines(counted: Counter[str], translator: Translator) -> list[str]:
    """Return how a guild's lookups of the last 24 hours ended, group by group, each with what to do about it."""
    if not counted:
        return [translator.gettext("Nobody has asked for an order, as far as I know since my last start.")]
    numbers: Counter[Group] = Counter()
    for outcome, count in counted.items():
        numbers[group_of(outcome)] += count
    lines = []
    for group in GROUPS:
        if not numbers[group]:
            continue
        line = f"• **{group.count(translator, numbers[group])}**"
        if BAD_REFERENCE in group.outcomes:
            line += f" ({', '.join(_pastes(counted, translator))})"
        lines.append(line + "\n→ " + translator.gettext(group.advice) if group.advice else line)
    return lines


def health_lines(troubles: Iterable[str], parts: Iterable[str], translator: Translator) -> list[str]:
    """Return what needs fixing; or one line that names the ``parts``, which all work."""
    lines = [*troubles]
    if lines:
        return ["**" + translator.gettext("This needs fixing:") + "**", *lines]
    return ["✅ " + translator.gettext("**Everything works:** {parts}.", parts=", ".join(parts))]


def _pastes(counted: Counter[str], translator: Translator) -> Iterable[str]:
    """Yield what was pasted instead of order links, what was pasted most first."""
    for outcome, count in counted.most_common():
        kind, _, problem = outcome.partition(".")
        if kind == BAD_REFERENCE:
            yield PASTES[ReferenceProblem(problem)](translator, count)


def line_of(queue: RequestQueue, translator: Translator) -> str:
    """Return how many people of all servers wait for Fileflare, and for how long; empty if nobody waits."""
    if not queue.waiting:
        return ""
    served = translator.ngettext(
        "{count} was served in the last minute", "{count} were served in the last minute", queue.served
    )
    return translator.ngettext(
        "⏳ **{count} person waits for their downloads,** the longest for {time}; {served}. Nobody need ask again.",
        "⏳ **{count} people wait for their downloads,** the longest for {time}; {served}. Nobody need ask again.",
        queue.waiting,
        time=translator.pause(queue.longest),
        served=served,
    )
