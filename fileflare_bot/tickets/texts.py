"""A help request → what its card, the lists and the figures say. No link and no order ID is among it."""

from typing import Final

from fileflare_bot import discord_limits as limits
from fileflare_bot.i18n import N_, Words
from fileflare_bot.orders.diagnosis import Kind
from fileflare_bot.orders.findings import report, unseen
from fileflare_bot.storage.records import Action, HelpRequest, RequestPage, Resolution, Statistics, Topic
from fileflare_bot.text import clean, escape

LONGEST_WORDS: Final = 1000  # of a customer or a moderator in one modal
LONGEST_NAME: Final = 32  # what Discord allows
LONGEST_FINDINGS: Final = 1700
THREAD_NAME: Final = 100

TOPICS: Final[dict[Topic, str]] = {
    Topic.NOTHING_LEFT: N_("A file has no downloads left"),
    Topic.DOWNLOAD_FAILS: N_("A download does not start or breaks off"),
    Topic.FILES_MISSING: N_("Files are missing"),
    Topic.WRONG_FILE: N_("A file is wrong or damaged"),
    Topic.ORDER_NOT_FOUND: N_("My order is not found"),
    Topic.NO_EMAIL: N_("I got no email"),
    Topic.OTHER: N_("Something else"),
}
LIKELY: Final[dict[Kind, Topic]] = {
    Kind.USED_UP: Topic.NOTHING_LEFT,
    Kind.MORE_CLICKS: Topic.NOTHING_LEFT,
    Kind.LINK_UNAVAILABLE: Topic.DOWNLOAD_FAILS,
    Kind.OUTAGE: Topic.DOWNLOAD_FAILS,
    Kind.ORDER_WITHOUT_FILES: Topic.FILES_MISSING,
    Kind.WRONG_REFERENCE: Topic.ORDER_NOT_FOUND,
    Kind.NOT_FOUND: Topic.ORDER_NOT_FOUND,
    Kind.HELD_BY_OTHERS: Topic.OTHER,
}
LABELS: Final[dict[Kind, str]] = {
    Kind.USED_UP: N_("no downloads left"),
    Kind.MORE_CLICKS: N_("more clicks than the limit"),
    Kind.LAST_ONE: N_("last download"),
    Kind.LINK_UNAVAILABLE: N_("link unavailable"),
    Kind.EXTERNAL_LINK: N_("external link"),
    Kind.PRODUCT_WITHOUT_FILES: N_("product without files"),
    Kind.ORDER_WITHOUT_FILES: N_("order without files"),
    Kind.WRONG_REFERENCE: N_("not an order ID"),
    Kind.NOT_FOUND: N_("order not found"),
    Kind.OUTAGE: N_("Fileflare's outage"),
    Kind.HELD_BY_OTHERS: N_("in use by another account"),
}
RESOLUTIONS: Final[dict[Resolution, str]] = {
    Resolution.MENDED: N_("The download works again"),
    Resolution.ANSWERED: N_("The question is answered"),
    Resolution.PASSED_ON: N_("The store owner takes care of it"),
    Resolution.NOT_OURS: N_("Nothing that this store can mend"),
    Resolution.NO_REPLY: N_("There was no reply"),
    Resolution.CUSTOMER: N_("The customer says that it is solved"),
}
DEEDS: Final[dict[Action, str]] = {
    Action.FILED: N_("{who} asked for help: request #{number}."),
    Action.TOOK: N_("{who} took request #{number}."),
    Action.HANDED_OVER: N_("{who} handed request #{number} over."),
    Action.CHECKED: N_("{who} checked the order of request #{number} again."),
    Action.ANSWERED: N_("{who} answered request #{number}."),
    Action.WROTE_BACK: N_("{who} wrote back in request #{number}."),
    Action.RESOLVED: N_("{who} resolved request #{number}."),
    Action.REOPENED: N_("{who} reopened request #{number}."),
    Action.POSTED_AGAIN: N_("{who} posted the card of request #{number} again."),
    Action.LOOKED_UP: N_("{who} checked an order."),
    Action.DELETED_MESSAGE: N_("{who} deleted a message that held an order link."),
    Action.CHANGED_ANSWERS: N_("{who} changed the saved answers."),
    Action.CHANGED_SETUP: N_("{who} changed the bot's setup."),
    Action.RELEASED_CLAIM: N_("{who} released an order from an account."),
    Action.MOVED_CLAIM: N_("{who} moved an order to another account."),
}


def title(request: HelpRequest, words: Words) -> str:
    """Return what a request is called."""
    return words.gettext("Help request #{number}", number=request.number)


def order_name(order_number: str, words: Words) -> str:
    """Return an order's number as it can be shown, or that it is not known."""
    number = escape(limits.shorten(clean(order_number).removeprefix("#"), 40))
    return words.gettext("Order #{number}", number=number) if number else words.gettext("Order not known")


def status(request: HelpRequest, words: Words) -> str:
    """Return a request's state, and whose turn it is."""
    if request.resolved:
        reason = words.gettext(RESOLUTIONS[request.resolution or Resolution.ANSWERED])
        return "🟢 " + words.gettext("**Resolved** by {who}: {reason}.", who=f"<@{request.resolved_by}>", reason=reason)
    if request.taken_by is not None:
        who = f"<@{request.taken_by}>"
        if request.answered_at is not None:
            when = f"<t:{int(request.answered_at.timestamp())}:R>"
            return "🔵 " + words.gettext("**Taken** by {who}, first answered {when}.", who=who, when=when)
        return "🔵 " + words.gettext("**Taken** by {who}.", who=who)
    return "🟠 " + words.gettext("**Open.** Nobody has taken it yet.")


def card(request: HelpRequest, words: Words) -> tuple[str, str, tuple[str, str]]:
    """Return the title, the description and the one field of a request's card."""
    details = request.details
    name = escape(limits.shorten(clean(details.name), LONGEST_NAME))
    who = words.gettext("**Customer:** {who}", who=f"<@{request.person_id}>" + (f" ({name})" if name else ""))
    lines = [status(request, words), f"{who} · **{order_name(details.order_number, words)}**"]
    lines.append(words.gettext("**Says:** {topic}", topic=words.gettext(TOPICS[request.topic])))
    if details.words:
        lines.append(quoted(details.words))
    if not request.readable:
        lines.append(words.gettext("The rest cannot be read: the key that opens it is not in SECRET_KEYS."))
    found = limits.shorten(report(details.findings, words), LONGEST_FINDINGS)
    lines += ["", words.gettext("**What I found**"), found]
    hidden = (words.gettext("What the data cannot show"), limits.shorten(unseen(words), limits.FIELD_VALUE))
    return title(request, words), limits.shorten("\n".join(lines), limits.EMBED_DESCRIPTION), hidden


def quoted(text: str) -> str:
    """Return what somebody wrote as a quotation in which nothing takes effect."""
    safe = escape(limits.shorten(clean(text, lines=True), LONGEST_WORDS))
    return "\n".join(f"> {line}" for line in safe.splitlines())


def thread_name(request: HelpRequest, words: Words) -> str:
    """Return the name of a request's thread."""
    number = clean(request.details.order_number).removeprefix("#")
    parts = [f"#{request.number}"]
    if number:
        parts.append(words.gettext("Order #{number}", number=number))
    return limits.shorten(" · ".join([*parts, words.gettext(TOPICS[request.topic])]), THREAD_NAME)


def line(request: HelpRequest, words: Words) -> str:
    """Return a request in one line of a list, with a link to its card."""
    card_at = request.card
    name = f"#{request.number}"
    if card_at.message_id is not None:
        name = f"[{name}](https://discord.com/channels/{request.guild_id}/{card_at.channel_id}/{card_at.message_id})"
    mark = "🟢" if request.resolved else "🔵" if request.taken_by is not None else "🟠"
    kinds = list(dict.fromkeys(finding.kind for finding in request.details.findings))[:2]
    found = ", ".join(words.gettext(LABELS[kind]) for kind in kinds) or words.gettext(TOPICS[request.topic])
    parts = [f"{mark} **{name}**", f"<@{request.person_id}>", order_name(request.details.order_number, words), found]
    if request.taken_by is not None and not request.resolved:
        parts.append("→ " + f"<@{request.taken_by}>")
    parts.append(f"<t:{int(request.created_at.timestamp())}:R>")
    return " · ".join(parts)


def page_text(page: RequestPage, words: Words) -> str:
    """Return a page of a list."""
    if not page.requests:
        return words.gettext("There is none.")
    return limits.shorten("\n".join(line(request, words) for request in page.requests), limits.EMBED_DESCRIPTION)


def figures(statistics: Statistics, words: Words) -> str:
    """Return the figures of some days."""
    lines = [
        words.ngettext("{count} request filed", "{count} requests filed", statistics.filed),
        words.gettext("Median time to the first answer: {time}", time=_time(statistics.to_first_answer, words)),
        words.gettext("Median time to the resolution: {time}", time=_time(statistics.to_resolution, words)),
    ]
    if statistics.commonest:
        kinds = [(words.gettext(LABELS[Kind(kind)]), words.number(count)) for kind, count in statistics.commonest]
        counted = ", ".join(f"{label} ({count})" for label, count in kinds)
        lines.append(words.gettext("Commonest findings: {findings}", findings=counted))
    return "\n".join(lines)


def deed(action: Action, actor_id: int, number: int | None, words: Words) -> str:
    """Return a line for the log channel."""
    return words.gettext(DEEDS[action], who=f"<@{actor_id}>", number=number)


def _time(seconds: float | None, words: Words) -> str:
    return words.gettext("not known yet") if seconds is None else words.duration(seconds)
