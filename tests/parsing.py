"""Orders as the client reads them."""

import json
from typing import Any

from fileflare_bot.fileflare.responses import read_response
from fileflare_bot.orders.file_links import Link, read_link
from fileflare_bot.orders.models import Order


def order(raw: Any) -> Order:  # noqa: ANN401 - any JSON
    """Return the order of a response with this JSON."""
    return read_response(200, {}, json.dumps(raw).encode())


def safe_link(url: str | None) -> str | None:
    """Return the address as it is safe in a masked link, or None."""
    link = read_link(url)
    return link.spelled() if isinstance(link, Link) else None
