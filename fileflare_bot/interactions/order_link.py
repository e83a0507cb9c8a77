"""Where a store's customers find their order link, in the owner's words."""

from fileflare_bot.storage.options import Wording
from fileflare_bot.text import clean


def where_to_find(wording: Wording) -> str:
    """Return where customers of this store find their order link; empty if the owner has not said so.

    It may use Markdown, as the owner's own messages do, so it belongs into an embed of its own or at the end of one.
    """
    address = f"<{wording.account_url}>" if wording.account_url else ""
    return "\n".join(part for part in (address, clean(wording.where, lines=True)) if part)
