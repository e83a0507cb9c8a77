"""Status, headers and body of a response → an order or an error. Pure."""

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

LONGEST_PAUSE = 3600.0  # seconds; a longer Retry-After helps nobody in a chat

# Fileflare's response to a bad ID is not documented. These statuses all mean that there is no such order.
_NOT_FOUND = {HTTPStatus.BAD_REQUEST, HTTPStatus.NOT_FOUND, HTTPStatus.GONE, HTTPStatus.UNPROCESSABLE_ENTITY}
# The API means the same by these in JSON; as an HTML page they come from a firewall that blocks the bot.
_NOT_FOUND_IF_JSON = {HTTPStatus.UNAUTHORIZED, HTTPStatus.FORBIDDEN}
_SERVER_ERROR = 500
_PASSES_SOON = {HTTPStatus.BAD_GATEWAY, HTTPStatus.SERVICE_UNAVAILABLE}


class _Response(BaseModel):
    model_config = ConfigDict(extra="ignore", hide_input_in_errors=True)

    order: Order | None
    text: Annotated[StoreText, OrDefault(NO_TEXT)] = NO_TEXT


def read_response(status: int, headers: Mapping[str, str], body: bytes, *, now: datetime | None = None) -> Order:
    """Return the order in a response.

    ``headers`` must ignore case; a Retry-After date is compared with ``now``.

    Raises:
        OrderNotFound: there is no such order.
        FileflareBusy: 429.
        FileflareTimeout: 408 or 504.
        FileflareDown: any other 5xx.
        UnexpectedResponse: anything else that holds no order.
    """
    if status == HTTPStatus.OK:
        return _read_order(body)
    if status in _NOT_FOUND or (status in _NOT_FOUND_IF_JSON and "json" in headers.get("Content-Type", "")):
        raise OrderNotFound(f"status {status}", denied=status in _NOT_FOUND_IF_JSON)
    if status == HTTPStatus.TOO_MANY_REQUESTS:
        raise FileflareBusy(read_retry_after(headers, now=now))
    if status in {HTTPStatus.REQUEST_TIMEOUT, HTTPStatus.GATEWAY_TIMEOUT}:
        raise FileflareTimeout(f"status {status}", passes_soon=status == HTTPStatus.GATEWAY_TIMEOUT)
    if status >= _SERVER_ERROR:
        raise FileflareDown(f"status {status}", passes_soon=status in _PASSES_SOON)
    raise UnexpectedResponse(f"status {status}")


def _read_order(body: bytes) -> Order:
    try:
        response = _Response.model_validate_json(body)
    except ValidationError as error:
        kinds = sorted({detail["type"] for detail in error.errors(include_input=False, include_url=False)})
        raise UnexpectedResponse(f"no order: {', '.join(kinds)}") from None
    if response.order is None:
        raise OrderNotFound("the order is null")
    return response.order.model_copy(update={"text": response.text})


def read_retry_after(headers: Mapping[str, str], *, now: datetime | None = None) -> float | None:
    """Return Retry-After in seconds, from either of its forms (RFC 9110, 10.2.3), or None."""
    text = headers.get("Retry-After", "").strip()
    if text.isascii() and text.isdecimal():
        return min(float(text), LONGEST_PAUSE)
    try:
        until = parsedate_to_datetime(text)
    except (ValueError, OverflowError):  # OverflowError: a year or offset beyond a C int
        return None
    if until.tzinfo is None:
        until = until.replace(tzinfo=UTC)
    return min(max((until - (now or datetime.now(UTC))).total_seconds(), 0.0), LONGEST_PAUSE)
