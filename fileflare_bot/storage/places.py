"""Where each encrypted text belongs: its column, and whose row it is.

A text is bound to its place (see ``encryption.py``), so nobody who can write to the database can have another's text
decrypted for themselves by moving it into a row of theirs, or a row to themselves.
"""

from dataclasses import dataclass
from typing import Any, Final

import sqlalchemy as sa

from fileflare_bot.storage.encryption import Place
from fileflare_bot.storage.models import (
    Base,
    CannedAnswerRow,
    ClaimRow,
    MessageRow,
    NoteRow,
    SavedOrderRow,
    TicketRow,
    VaultRow,
)


@dataclass(frozen=True, slots=True)
class Encrypted:
    """An encrypted column, the key of its table, and the columns that say whose row it is, perhaps of its ticket."""

    key: Any
    column: Any
    owner: tuple[Any, ...]

    def place(self, *rows: Base) -> Place:
        """Return the place of a row's text; ``rows`` are the row, and its ticket's if that says whose it is."""
        by_table = {type(row): row for row in rows}
        return self.place_for([getattr(by_table[column.class_], column.key) for column in self.owner])

    def place_for(self, owner: list[Any]) -> Place:
        """Return the place of a text by the values of the columns in ``owner``."""
        return (f"{self.column.class_.__tablename__}.{self.column.key}", *owner)

    def texts(self) -> sa.Select[Any]:
        """Select every key with its text and the columns in ``owner``."""
        query = sa.select(self.key, self.column, *self.owner).select_from(self.column.class_)
        if any(column.class_ is not self.column.class_ for column in self.owner):
            query = query.join(TicketRow)
        return query.order_by(self.key)


_TICKET: Final = (TicketRow.guild_id, TicketRow.number, TicketRow.user_id)
_SAVED_ORDER: Final = (SavedOrderRow.user_id, SavedOrderRow.order_hash)

DETAILS: Final = Encrypted(TicketRow.id, TicketRow.details, _TICKET)
MESSAGE: Final = Encrypted(MessageRow.id, MessageRow.text, (*_TICKET, MessageRow.author_id))
NOTE: Final = Encrypted(NoteRow.id, NoteRow.text, _TICKET)
CANNED_ANSWER: Final = Encrypted(
    CannedAnswerRow.id, CannedAnswerRow.text, (CannedAnswerRow.guild_id, CannedAnswerRow.name)
)
CLAIM_LABEL: Final = Encrypted(ClaimRow.id, ClaimRow.label, (ClaimRow.guild_id, ClaimRow.order_hash, ClaimRow.user_id))
SAVED_LABEL: Final = Encrypted(SavedOrderRow.id, SavedOrderRow.label, _SAVED_ORDER)
SAVED_REFERENCE: Final = Encrypted(SavedOrderRow.id, SavedOrderRow.reference, _SAVED_ORDER)
VAULT: Final = Encrypted(VaultRow.name, VaultRow.value, (VaultRow.name,))
ENCRYPTED: Final = (  # the vault is last: its hash key tells that everything is bound
    DETAILS,
    MESSAGE,
    NOTE,
    CANNED_ANSWER,
    CLAIM_LABEL,
    SAVED_LABEL,
    SAVED_REFERENCE,
    VAULT,
)
