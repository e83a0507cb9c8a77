"""What can go wrong with what is stored.

StorageFailed
├── StorageUnavailable   nobody: the database is away; trying later can help
├── TooManyRequests      the customer: enough help requests for now
├── NoSuchRequest        nobody: it was deleted, or never was in that server
├── AlreadyTaken         the moderator: somebody else was faster
├── NotPossibleNow       the moderator: the request is in a state that does not allow it
├── NameTaken            the moderator: a saved answer of that name exists
├── NoSuchAnswer         the moderator: no saved answer has that name
├── TooManyAnswers       the moderator: a server's saved answers are full
├── NoSuchClaim          the moderator: no account holds that order any more
└── NoSuchSavedOrder     the customer: they have saved no such order, or forgotten it
"""


class StorageFailed(Exception):  # noqa: N818 - the root reads as the fact it states
    """Raised, as one of the classes below, when something could not be stored or read."""


class StorageUnavailable(StorageFailed):
    """Raised when the database cannot be reached or does not answer in time."""


class TooManyRequests(StorageFailed):
    """Raised when a person has as many open help requests as they may, or asked as often as they may in a day."""


class NoSuchRequest(StorageFailed):
    """Raised when there is no such help request in that server."""


class AlreadyTaken(StorageFailed):
    """Raised when the request is already worked on by ``moderator_id``."""

    def __init__(self, moderator_id: int) -> None:
        super().__init__("already taken")
        self.moderator_id = moderator_id


class NotPossibleNow(StorageFailed):
    """Raised when a request is resolved and has to be open, or the other way round."""


class NameTaken(StorageFailed):
    """Raised when a server has a saved answer of that name already."""


class NoSuchAnswer(StorageFailed):
    """Raised when a server has no saved answer of that name."""


class TooManyAnswers(StorageFailed):
    """Raised when a server has as many saved answers as a Discord select shows."""


class NoSuchClaim(StorageFailed):
    """Raised when a claim is not there any more, or is another server's."""


class NoSuchSavedOrder(StorageFailed):
    """Raised when a person has no such saved order."""
