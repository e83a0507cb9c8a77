"""A summary of the data stored about a user, and its deletion from the database and from Discord."""

from dataclasses import dataclass
from typing import Final

from fileflare_bot.background import soon
from fileflare_bot.i18n import Translator
from fileflare_bot.removals import Removals
from fileflare_bot.roles.granting import BuyerRoles
from fileflare_bot.storage.errors import StorageUnavailable
from fileflare_bot.storage.personal_data import PersonalRecord
from fileflare_bot.storage.storage import Storage

MOST_LISTED: Final = 20


@dataclass(frozen=True, slots=True)
class Deleted:
    """What was deleted, and what of it is still in Discord: cards and threads, and whether a role is."""

    tickets: int
    removals_left: int
    roles_left: bool


class Privacy:
    """Deletes a user's data."""

    def __init__(self, storage: Storage, removals: Removals, roles: BuyerRoles) -> None:
        self._storage = storage
        self._removals = removals
        self._roles = roles

    async def delete(self, user_id: int) -> Deleted:
        """Delete a user's saved orders, tickets and claims, with the cards, threads and roles.

        What Discord does not take now, the reconciler tries again.
        """
        forgotten = await self._storage.personal_data.forget(user_id)
        settling = (self._roles.settle(guild_id, user_id) for guild_id in forgotten.guild_ids)
        await soon(self._removals.run(), *settling)
        settled = [await self._roles.is_settled(guild_id, user_id) for guild_id in forgotten.guild_ids]
        try:
            left = (await self._storage.personal_data.of_user(user_id)).removals
        except StorageUnavailable:  # it is deleted, so this is no refusal
            left = forgotten.removals
        return Deleted(forgotten.tickets, left, not all(settled))


def kept(record: PersonalRecord, translator: Translator) -> str:
    """Return a summary of what is stored about a user, one line each."""
    if record.is_empty:
        return translator.gettext(
            "Nothing. Looking up your downloads leaves something behind only where a store gives roles to buyers, or "
            "if there is no order with that ID."
        )
    lines = []
    if record.saved_orders:
        lines.append(
            translator.ngettext(
                "{count} order that you wanted to be remembered (encrypted)",
                "{count} orders that you wanted to be remembered (encrypted)",
                record.saved_orders,
            )
        )
    if record.claims:
        lines.append(
            translator.ngettext(
                "That {count} order counts for you in a server (a keyed hash of its ID), and the roles it brought you",
                "That {count} orders count for you in servers (keyed hashes of their IDs), and the roles they brought "
                "you",
                record.claims,
            )
        )
    if record.products:
        lines.append(
            translator.ngettext(
                "That you were the first to open an order with {count} product in a server",
                "That you were the first to open an order with {count} products in a server",
                record.products,
            )
        )
    if record.removals:
        lines.append(
            translator.ngettext(
                "{count} message or thread about what you have deleted, which I am still trying to remove",
                "{count} messages and threads about what you have deleted, which I am still trying to remove",
                record.removals,
            )
        )
    if record.misses:
        lines.append(
            translator.ngettext(
                "That you tried {count} order ID that does not exist, when, and how long you have to pause. So that "
                "nobody guesses, it cannot be deleted; it goes within 12 hours",
                "That you tried {count} order IDs that do not exist, when the last, and how long you have to pause. So "
                "that nobody guesses, it cannot be deleted; it goes within 12 hours",
                record.misses.count,
            )
        )
    lines += [
        translator.gettext(
            "Help request #{number} of {when}: what was wrong, the order number, the order ID (encrypted), "
            "and what you and the moderators wrote",
            number=ticket.number,
            when=f"<t:{int(ticket.created_at.timestamp())}:d>",
        )
        for ticket in record.tickets[:MOST_LISTED]
    ]
    if len(record.tickets) > MOST_LISTED:
        count = len(record.tickets) - MOST_LISTED
        lines.append(translator.ngettext("… and {count} more", "… and {count} more", count))
    theirs = {(ticket.guild_id, ticket.number) for ticket in record.tickets}
    moderated = sum((entry.guild_id, entry.number) not in theirs for entry in record.entries)
    if moderated:
        lines.append(
            translator.ngettext(
                "{count} note of what you did as a moderator, which belongs to the server's record",
                "{count} notes of what you did as a moderator, which belong to the server's record",
                moderated,
            )
        )
    return "\n".join(f"• {line}" for line in lines)
