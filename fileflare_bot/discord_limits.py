"""Discord's limits for replies: lengths in characters, the rest in items.

Discord does not say whether it counts code points or UTF-16 units; the bot takes the stricter, UTF-16 units.
"""

from typing import Final

CONTENT: Final = 2000  # discord.com/developers/docs/resources/message#create-message
EMBED_TITLE: Final = 256  # embeds: discord.com/developers/docs/resources/message#embed-object-embed-limits
EMBED_DESCRIPTION: Final = 4096
FIELD_VALUE: Final = 1024
EMBED_FOOTER: Final = 2048
EMBED_TOTAL: Final = 6000  # over all embeds of a message
BUTTONS_IN_A_ROW: Final = 5  # components: discord.com/developers/docs/components/reference
ROWS: Final = 5
TEXT_DISPLAYS: Final = 4000  # over all of a message
BUTTON_LABEL: Final = 80
BUTTON_URL: Final = 512
SELECT_OPTIONS: Final = 25
OPTION_LABEL: Final = 100
OPTION_DESCRIPTION: Final = 100
PLACEHOLDER: Final = 100  # of a text input


def size(text: str) -> int:
    """Return a text's length in UTF-16 units."""
    return len(text) if text.isascii() else len(text.encode("utf-16-le", "surrogatepass")) // 2


def shorten(text: str, most: int) -> str:
    """Shorten a text to ``most`` UTF-16 units, with an ellipsis where it was cut."""
    if size(text) <= most:
        return text
    units = text.encode("utf-16-le", "surrogatepass")[: 2 * (most - 1)]
    return units.decode("utf-16-le", "ignore").rstrip() + "…"
