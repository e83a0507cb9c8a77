"""Status, headers and body of an answer → an order, or the error it means. Pure."""

from collections.abc import Mapping
from datetime import UTC, datetime
from email.utils import parsedate_to_datetime
from http import HTTPStatus
from typing import Annotated

from pydantic import BaseModel, ConfigDict, ValidationError

from fileflare_bot.fileflare.errors import (
    FileflareBusy,
    FileflareDown,
    FileflareTimeout,
    OrderNotFound,
    UnexpectedResponse,
)
from fileflare_bot.orders.models import NO_TEXT, OrDefault, Order, StoreText

LONGEST_PAUSE = 3600.0  # seconds; a longer Retry-After helps no one who waits in a chat

# How Fileflare answers a bad ID is not documented. These say that the request names nothing it would hand out.
_NOT_FOUND = {HTTPStatus.BAD_REQUEST, HTTPStatus.NOT_FOUND, HTTPStatus.GONE, HTTPStatus.UNPROCESSABLE_ENTITY}
# These mean the same from the API, but come from a firewall (as a page, not JSON) when it blocks the bot.
_NOT_FOUND_IF_JSON = {HTTPStatus.UNAUTHORIZED, HTTPStatus.FORBIDDEN}
_SERVER_ERROR = 500
_PASSES_SOON = {HTTPStatus.BAD_GATEWAY, HTTPStatus.SERVICE_UNAVAILABLE}


class _Response(BaseModel):
    model_config = ConfigDict(extra="ignore", hide_input_in_errors=True)

    order: Order | None
    text: Annotated[StoreText, OrDefault(NO_TEXT)] = NO_TEXT


def read_response(status: int, headers: Mapping[str, str], body: bytes, *, now: datetime | None = None) -> Order:
    """Return the order an answer holds.

    ``headers`` must ignore case; ``now`` is what a Retry-After date is compared with.

    Raises:
        OrderNotFound: the answer says there is no such order.
        FileflareBusy: 429.
        FileflareTimeout: 408 or 504.
        FileflareDown: any other 5xx.
        UnexpectedResponse: anything else that is no order.
    """
    if status == HTTPStatus.OK:
        return _read_order(body)
    if status in _NOT_FOUND or (status in _NOT_FOUND_IF_JSON and "json" in headers.get("Content-Type", "")):
        raise OrderNotFound(f"status {status}")
    if status == HTTPStatus.TOO_MANY_REQUESTS:
        raise FileflareBusy(read_retry_after(headers, now=now))
    if status in {HTTPStatus.REQUEST_TIMEOUT, HTTPStatus.GATEWAY_TIMEOUT}:
        raise FileflareTimeout(f"status {status}", passes_soon=status == HTTPStatus.GATEWAY_TIMEOUT)
    if status >= _SERVER_ERROR:
        raise FileflareDown(f"status {status}", passes_soon=status in _PASSES_SOON)
    raise UnexpectedResponse(f"status {status}")


def _read_order(body: bytes) -> Order:
    try:
        answer = _Response.model_validate_json(body)
    except ValidationError as error:
        kinds = sorted({detail["type"] for detail in error.errors(include_input=False, include_url=False)})
        raise UnexpectedResponse(f"no order: {', '.join(kinds)}") from None
    if answer.order is None:
        raise OrderNotFound("the order is null")
    return answer.order.model_copy(update={"text": answer.text})


def read_retry_after(headers: Mapping[str, str], *, now: datetime | None = None) -> float | None:
    """Return the seconds that a Retry-After asks for, in either of its forms (RFC 9110, 10.2.3), or None."""
    text = headers.get("Retry-After", "").strip()
    if text.isascii() and text.isdecimal():
        return min(float(text), LONGEST_PAUSE)
    try:
        until = parsedate_to_datetime(text)
    except (ValueError, OverflowError):  # the latter for a year or an offset past what a C int holds
        return None
    if until.tzinfo is None:
        until = until.replace(tzinfo=UTC)
    return min(max((until - (now or datetime.now(UTC))).total_seconds(), 0.0), LONGEST_PAUSE)
