"""A summary of the data stored about a user, and its deletion from the database and from Discord."""

from collections.abc import Sequence
from dataclasses import replace
from typing import Final

from fileflare_bot.background import soon
from fileflare_bot.i18n import N_, Translator, ngettext_noop
from fileflare_bot.removals import Removals
from fileflare_bot.roles.granting import BuyerRoles
from fileflare_bot.storage.errors import StorageUnavailable
from fileflare_bot.storage.options import LaterAccounts, Options
from fileflare_bot.storage.personal_data import Forgotten, PersonalRecord
from fileflare_bot.storage.storage import Storage
from fileflare_bot.text import escape

MOST_ORDERS_NAMED: Final = 3


class Privacy:
    """Deletes a user's data."""

    def __init__(self, storage: Storage, removals: Removals, roles: BuyerRoles) -> None:
        self._storage = storage
        self._removals = removals
        self._roles = roles

    async def delete(self, user_id: int) -> tuple[Forgotten, bool]:
        """Delete a user's saved orders, tickets and claims, with the cards, threads and roles.

        Return how much was deleted and what of it is still in Discord, and whether a role is. What Discord does not
        take now, the reconciler tries again.
        """
        forgotten = await self._storage.personal_data.forget(user_id)
        settling = (self._roles.settle(guild_id, user_id) for guild_id in forgotten.guild_ids)
        await soon(self._removals.run(), *settling)
        settled = [await self._roles.is_settled(guild_id, user_id) for guild_id in forgotten.guild_ids]
        try:
            left = (await self._storage.personal_data.of_user(user_id)).removals
        except StorageUnavailable:  # it is deleted, so this is no refusal
            left = forgotten.removals
        return replace(forgotten, removals=left), not all(settled)


def kept(record: PersonalRecord, days: int, translator: Translator) -> str:
    """Return a summary of what is stored about a user: how much of what, and until when, one line each.

    ``days`` is how long a resolved help request is kept.
    """
    if record.is_empty:
        return translator.gettext(
            "Nothing. Looking up your downloads leaves something behind only where a store gives roles to buyers, or "
            "if there is no order with that ID."
        )
    own = {(ticket.guild_id, ticket.number) for ticket in record.tickets}
    moderated = sum((entry.guild_id, entry.number) not in own for entry in record.entries)
    orders = [escape(label) or "?" for label in record.claims[:MOST_ORDERS_NAMED]]
    named = ", ".join([*orders, "…"] if len(record.claims) > len(orders) else orders)
    counts = (
        (
            record.saved_orders,
            ngettext_noop(
                "**{count} saved order**, encrypted: until you forget it",
                "**{count} saved orders**, encrypted: until you forget them",
            ),
        ),
        (
            len(record.claims),
            ngettext_noop(
                "**{count} order that counts as yours** where a store gives roles to buyers ({orders}): until you "
                "delete it",
                "**{count} orders that count as yours** where a store gives roles to buyers ({orders}): until you "
                "delete them",
            ),
        ),
        (
            len(record.tickets),
            ngettext_noop(
                "**{count} help request** with all messages: until {days} days after it is resolved",
                "**{count} help requests** with all messages: until {days} days after each is resolved",
            ),
        ),
        (
            record.products,
            ngettext_noop(
                "**{count} product** that nobody had brought before you: until you delete it",
                "**{count} products** that nobody had brought before you: until you delete them",
            ),
        ),
        (
            record.misses.count if record.misses else 0,
            ngettext_noop(
                "**{count} try with an unknown order ID**: kept for up to 12 hours, without the ID, so that nobody "
                "guesses IDs",
                "**{count} tries with unknown order IDs**: kept for up to 12 hours, without the IDs, so that nobody "
                "guesses IDs",
            ),
        ),
        (
            len(record.answers),
            ngettext_noop(
                "**{count} answer** that you wrote as a moderator, encrypted: until {days} days after its help request "
                "is resolved",
                "**{count} answers** that you wrote as a moderator, encrypted: until {days} days after their help "
                "requests are resolved",
            ),
        ),
        (
            len(record.handled),
            ngettext_noop(
                "**{count} help request** that says that you took or resolved it: until {days} days after it is "
                "resolved",
                "**{count} help requests** that say that you took or resolved them: until {days} days after each is "
                "resolved",
            ),
        ),
        (
            moderated,
            ngettext_noop(
                "**{count} note** of what you did as a moderator or owner, and when: the server's record, for {days} "
                "days or as long as the help request",
                "**{count} notes** of what you did as a moderator or owner, and when: the server's record, for {days} "
                "days or as long as the help request",
            ),
        ),
        (
            record.removals,
            ngettext_noop(
                "**{count} message or thread** about what you have deleted: I am still trying to remove it",
                "**{count} messages and threads** about what you have deleted: I am still trying to remove them",
            ),
        ),
    )
    shown = translator.number(days)
    lines = ["• " + translator.ngettext(*words, count, days=shown, orders=named) for count, words in counts if count]
    if moderated or record.answers or record.handled:
        lines.append(
            translator.gettext(
                "What you did as a moderator or owner belongs to the server: deleting your data leaves it. Cards and "
                "threads name you, too, and go with their help requests; lines in a log channel stay until the server "
                "deletes them."
            )
        )
    return "\n".join(lines)


def gone(deleted: Forgotten, translator: Translator) -> str:
    """Return what was deleted of a user's data."""
    counts = (
        (deleted.saved_orders, ngettext_noop("{count} saved order", "{count} saved orders")),
        (deleted.tickets, ngettext_noop("{count} help request", "{count} help requests")),
        (
            deleted.claims,
            ngettext_noop(
                "{count} order that counted as yours, with its roles",
                "{count} orders that counted as yours, with their roles",
            ),
        ),
    )
    parts = [translator.ngettext(*words, count) for count, words in counts if count]
    if parts:
        return translator.gettext("**Deleted:** {what}.", what="; ".join(parts))
    return translator.gettext("**Deleted.** I keep nothing of your saved orders and help requests.")


def _files_meanwhile(options: Sequence[Options]) -> str:
    """Return where a user can open the files of their orders after they had their data deleted."""
    refusing = [each for each in options if each.buyers_roles and each.later_accounts is LaterAccounts.REFUSE]
    if not refusing:
        return N_("**Your files stay:** whoever has the link can open them")
    if len(refusing) < len(options) or any(each.accounts_per_order > 1 for each in refusing):
        return N_(
            "**Your files stay,** but some servers may not show them to you meanwhile: the store's order page does"
        )
    return N_("**Your files stay,** but the server does not show them to you meanwhile: the store's order page does")


def losses(record: PersonalRecord, options: Sequence[Options], translator: Translator) -> str:
    """Return the question whether to delete what is stored about a user, with a line for each thing they would lose.

    ``options`` are those of each guild where an order counts for them.
    """
    open_tickets = sum(not ticket.resolved for ticket in record.tickets)
    closed_tickets = len(record.tickets) - open_tickets
    lines = [translator.gettext("**Delete what I keep about you?** This cannot be undone.")]
    if record.saved_orders:
        lines.append(
            translator.ngettext(
                "**{count} saved order:** to open it again, you need its link",
                "**{count} saved orders:** to open them again, you need their links",
                record.saved_orders,
            )
        )
    if open_tickets:
        lines.append(
            translator.ngettext(
                "**{count} open help request:** it goes, and nobody will answer it",
                "**{count} open help requests:** they go, and nobody will answer them",
                open_tickets,
            )
        )
    if closed_tickets:
        lines.append(
            translator.ngettext(
                "**{count} closed help request:** it goes, with its messages",
                "**{count} closed help requests:** they go, with their messages",
                closed_tickets,
            )
        )
    if record.claims:
        lines += [
            translator.ngettext(
                "**{count} order that counts as yours:** you lose the roles it brought, and for 90 days it may bring "
                "you none. A moderator can end this sooner",
                "**{count} orders that count as yours:** you lose the roles they brought, and for 90 days they may "
                "bring you none. A moderator can end this sooner",
                len(record.claims),
            ),
            translator.gettext(_files_meanwhile(options)),
        ]
    stays = []
    if record.tickets:
        stays.append(translator.gettext("my messages to you, and what was posted in a log channel"))
    if record.misses:
        stays.append(translator.gettext("how many unknown order IDs you tried, for up to 12 hours"))
    if stays:
        lines.append(translator.gettext("**This stays:** {what}", what="; ".join(stays)))
    head, *rest = lines
    return "\n".join([head, *(f"• {line}" for line in rest)])
