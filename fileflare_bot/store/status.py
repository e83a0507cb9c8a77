"""What /store status says: what needs fixing, and how the lookups of the last 24 hours ended, in words."""

from collections import Counter
from collections.abc import Iterable
from dataclasses import dataclass
from typing import Final

from fileflare_bot.discord_limits import shorten
from fileflare_bot.fileflare.request_queue import RequestQueue
from fileflare_bot.i18n import N_, Translator, ngettext_noop
from fileflare_bot.orders.reference import ReferenceProblem
from fileflare_bot.storage.options import Wording
from fileflare_bot.text import clean, escape


@dataclass(frozen=True, slots=True)
class Group:
    """Lookups that ended alike, and what the owner can do about it.

    ``outcomes`` are those of the log, up to a dot; ``counted`` are the words for one of them and for many.
    """

    outcomes: frozenset[str]
    counted: tuple[str, str]
    advice: str = ""


LONGEST_WORDS: Final = 200  # characters of what customers are told about their order link
BAD_REFERENCE: Final = "bad_reference"
STAYS: Final = N_("If it stays so, tell the bot's operator.")
_CUT_OFF: Final = Group(
    frozenset({"restarting", "line_closed", "discord_failed", "undelivered", "list_expired"}),
    ngettext_noop("{count} answer did not arrive", "{count} answers did not arrive"),
    N_("Discord had a problem, or I was restarting. Nothing for you to do: they can ask again."),
)
GROUPS: Final = (
    Group(frozenset({"found"}), ngettext_noop("{count} order shown", "{count} orders shown")),
    Group(
        frozenset({"no_files"}),
        ngettext_noop("{count} order without files", "{count} orders without files"),
        N_("Attach files to what they bought, in the Fileflare app. If all orders are empty, look at its plan."),
    ),
    Group(
        frozenset({BAD_REFERENCE}),
        ngettext_noop("{count} paste that was not an order link", "{count} pastes that were not an order link"),
        N_("Say where customers find their order link: /store setup > **The panel's words**."),
    ),
    Group(
        frozenset({"not_found"}),
        ngettext_noop("{count} ID unknown to Fileflare", "{count} IDs unknown to Fileflare"),
        N_("Mostly a part of the ID is missing, or it is another store's order. They were told to copy the link anew."),
    ),
    Group(
        frozenset({"order_gone"}),
        ngettext_noop("{count} order that Fileflare no longer knows", "{count} orders that Fileflare no longer knows"),
        N_("Customers opened it before, so it was removed since. If that was a mistake, restore it in Fileflare."),
    ),
    Group(
        frozenset({"asked_too_often", "guessing"}),
        ngettext_noop("{count} time somebody had to pause", "{count} times somebody had to pause"),
        N_("They asked very often, or tried IDs that do not exist. That keeps others' orders safe: nothing to do."),
    ),
    Group(
        frozenset({"held_by_others", "free_later"}),
        ngettext_noop("{count} order that counts for another account", "{count} orders that count for another account"),
        N_("It was refused, as you chose in /store setup. Moderators move or release an order with /claims order."),
    ),
    Group(
        frozenset({"no_such_saved_order"}),
        ngettext_noop("{count} saved order that was forgotten", "{count} saved orders that were forgotten"),
        N_("They were told to paste its link again. Nothing for you to do."),
    ),
    Group(
        frozenset({"timeout", "down", "busy"}),
        ngettext_noop("{count} time Fileflare did not answer", "{count} times Fileflare did not answer"),
        N_("Nothing for you to do: they were told to try again later."),
    ),
    Group(
        frozenset({"unexpected_response"}),
        ngettext_noop(
            "{count} answer of Fileflare's that I cannot read", "{count} answers of Fileflare's that I cannot read"
        ),
        N_("Tell the bot's operator: Fileflare may have changed, and the bot may need an update."),
    ),
    Group(
        frozenset({"place_reserved", "queue_full"}),
        ngettext_noop("{count} time too many people asked at once", "{count} times too many people asked at once"),
        N_("They have a place for later, and were told when. If that happens every day, tell the bot's operator."),
    ),
    Group(
        frozenset({"left_line", "asked_again"}),
        ngettext_noop(
            "{count} time somebody left the line or asked again", "{count} times somebody left the line or asked again"
        ),
        N_("Nothing for you to do: they did not want to wait, or asked twice for the same order."),
    ),
    Group(
        frozenset({"database_away"}),
        ngettext_noop("{count} time the database did not answer", "{count} times the database did not answer"),
        STAYS,
    ),
    Group(
        frozenset({"bug"}),
        ngettext_noop("{count} fault of mine", "{count} faults of mine"),
        N_("Tell the bot's operator, with the number that the customer was shown."),
    ),
    _CUT_OFF,
)
PASTES: Final[dict[ReferenceProblem, tuple[str, str]]] = {
    ReferenceProblem.ORDER_NUMBER: ngettext_noop("{count} order number", "{count} order numbers"),
    ReferenceProblem.NEW_ACCOUNTS_ADDRESS: ngettext_noop("{count} account page", "{count} account pages"),
    ReferenceProblem.CHECKOUT_ADDRESS: ngettext_noop("{count} checkout page", "{count} checkout pages"),
    ReferenceProblem.OTHER_ADDRESS: ngettext_noop("{count} other address", "{count} other addresses"),
    ReferenceProblem.EMAIL_ADDRESS: ngettext_noop("{count} email address", "{count} email addresses"),
    ReferenceProblem.LICENCE_KEY: ngettext_noop("{count} licence key", "{count} licence keys"),
    ReferenceProblem.CUT_OFF: ngettext_noop("{count} cut-off link or ID", "{count} cut-off links or IDs"),
    ReferenceProblem.NOT_AN_ID: ngettext_noop("{count} other text", "{count} other texts"),
    ReferenceProblem.EMPTY: ngettext_noop("{count} empty", "{count} empty"),
}


def group_of(outcome: str) -> Group:
    """Return the group of a lookup's outcome."""
    kind = outcome.partition(".")[0]
    return next((group for group in GROUPS if kind in group.outcomes), _CUT_OFF)


def lookup_lines(counted: Counter[str], translator: Translator, wording: Wording) -> list[str]:
    """Return how a guild's lookups of the last 24 hours ended, group by group, each with what to do about it.

    ``wording`` says what the store's customers are told about their order link.
    """
    if not counted:
        return [translator.gettext("Nobody has asked for an order, as far as I know since my last start.")]
    numbers: Counter[Group] = Counter()
    for outcome, count in counted.items():
        numbers[group_of(outcome)] += count
    lines = []
    for group in GROUPS:
        if not numbers[group]:
            continue
        line = "• **" + translator.ngettext(*group.counted, numbers[group]) + "**"
        advice = translator.gettext(group.advice) if group.advice else ""
        if BAD_REFERENCE in group.outcomes:
            line += f" ({', '.join(_pastes(counted, translator))})"
            advice = _clearer(wording, translator) or advice
        lines.append(f"{line}\n→ {advice}" if advice else line)
    return lines


def _clearer(wording: Wording, translator: Translator) -> str:
    """Return what customers are told about their order link, and how to make it clearer; empty if it is nothing."""
    if not wording.where_to_find:
        return ""
    words = shorten(escape(" · ".join(clean(wording.where, lines=True).splitlines())), LONGEST_WORDS)
    address = f"<{wording.account_url}>" if wording.account_url else ""
    told = translator.gettext("They are told: {words}", words=" · ".join(filter(None, [address, words])))
    if wording.account_url:
        how = translator.gettext(
            "Make it clearer: name the email, and the button in it (/store setup > **The panel's words**)."
        )
    else:
        how = translator.gettext(
            "Make it clearer: name your store's address in the first line (/store setup > **The panel's words**)."
        )
    return f"{told}\n→ {how}"


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
            yield translator.ngettext(*PASTES[ReferenceProblem(problem)], count)


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
