"""Orders as the client reads them."""

import json
from typing import Any

from fileflare_bot.fileflare.responses import read_response
from fileflare_bot.orders.models import Order


def order(raw: Any) -> Order:  # noqa: ANN401 - any JSON
    """Return the order of a response with this JSON."""
    return read_response(200, {}, json.dumps(raw).encode())
