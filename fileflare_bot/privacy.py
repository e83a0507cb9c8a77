"""A summary of the data stored about a user, and its deletion from the database and from Discord."""

from typing import Final

from fileflare_bot.i18n import Translator
from fileflare_bot.storage.personal_data import PersonalData, PersonalRecord
from fileflare_bot.tickets.desk import HelpDesk

MOST_LISTED: Final = 20


class Privacy:
    """Deletes a user's data."""

    def __init__(self, personal_data: PersonalData, desk: HelpDesk) -> None:
        self._personal_data = personal_data
        self._desk = desk

    async def delete(self, user_id: int) -> tuple[int, bool]:
        """Delete a user's saved orders and tickets, with their cards and threads.

        Return how many tickets there were, and whether all their cards and threads are gone; they may not be where the
        bot lacks a permission. If Discord fails, nothing is forgotten, so that a second try finds what is left.
        """
        tickets = (await self._personal_data.of_user(user_id)).tickets
        gone = await self._desk.take_down(tickets)
        await self._personal_data.forget(user_id, tickets)
        return len(tickets), gone


def kept(record: PersonalRecord, translator: Translator) -> str:
    """Return a summary of what is stored about a user, one line each."""
    if record.is_empty:
        return translator.gettext("Nothing. Looking up your downloads leaves nothing behind.")
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
                "That {count} order counts for you in a server (a keyed hash of its ID); moderators can release it",
                "That {count} orders count for you in servers (keyed hashes of their IDs); moderators can release them",
                record.claims,
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
