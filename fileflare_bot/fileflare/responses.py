"""Status, headers and body of a response → an order or an error. Pure."""

import gc
import json
import re
from collections.abc import Iterator, Mapping
from contextlib import contextmanager
from datetime import UTC, datetime
from email.utils import parsedate_to_datetime
from http import HTTPStatus
from typing import Annotated, Any, Final

from pydantic import BaseModel, BeforeValidator, ConfigDict, ValidationError
from pydantic_core import from_json

from fileflare_bot.fileflare.errors import (
    FileflareBusy,
    FileflareDown,
    FileflareTimeout,
    OrderNotFound,
    UnexpectedResponse,
)
from fileflare_bot.orders.bounds import as_list, as_object
from fileflare_bot.orders.hiding import Wanted
from fileflare_bot.orders.models import Context, Order

LONGEST_PAUSE = 3600.0  # seconds; a longer Retry-After helps nobody in a chat
# One call of the parser holds the interpreter's lock, even in a thread, so only reading less keeps the bot responsive.
# Each of these bytes begins a value, and costs at most so much memory. An order of 2,000 assets costs about 5 MB.
_COSTS: Final = {b"{": 240, b"[": 90, b",": 62, b":": 90}
MOST_COST: Final = 25_000_000  # bytes
MOST_COST_BESIDE_WIDE_TEXT: Final = 12_000_000  # a character can take 4 bytes then, so a text of 5 MB takes 20 MB
MOST_DAMAGED_BYTES: Final = 400_000  # of a response that is no JSON, about 1,000 assets
_STEP: Final = 16_384  # bytes between two sums
_ASSET: Final = {"data", "limits"}
_PIECES: Final = ({"lines"}, {"assets"}, _ASSET)  # the keys that tell what an object of a broken text is
_WEB_PAGE: Final = re.compile(r"<(?:!doctype|html)\b", re.IGNORECASE)
_TRY: Final = 5000  # characters that are read in the time that a try takes besides
_FEWEST_TRIES: Final = 50
_LONGEST_NUMBER: Final = 10  # digits of a limit or a Unix time; Python reads no more than 4,300
_UNIX_TIMES: Final = 1_000_000_000  # seconds; a smaller reset is a number of seconds from now
_LONGEST_INTEGER: Final = 100  # digits; Python refuses 4,300

# Fileflare's response to a bad ID is not documented. These statuses all mean that there is no such order.
_NOT_FOUND = {HTTPStatus.BAD_REQUEST, HTTPStatus.NOT_FOUND, HTTPStatus.GONE, HTTPStatus.UNPROCESSABLE_ENTITY}
# The API means the same by these in JSON; as an HTML page they come from a firewall that blocks the bot.
_NOT_FOUND_IF_JSON = {HTTPStatus.UNAUTHORIZED, HTTPStatus.FORBIDDEN}
_SERVER_ERROR = 500
_PASSES_SOON = {HTTPStatus.BAD_GATEWAY, HTTPStatus.SERVICE_UNAVAILABLE}


class _Response(BaseModel):
    model_config = ConfigDict(extra="ignore", hide_input_in_errors=True)

    order: Annotated[Order | None, BeforeValidator(as_object)]


def read_response(
    status: int, headers: Mapping[str, str], body: bytes, *, token: str = "", now: datetime | None = None
) -> Order:
    """Return the order in a response; only its links still hold ``token``, its ID.

    ``headers`` must ignore case; a Retry-After date is compared with ``now``.

    Raises:
        OrderNotFound: there is no such order.
        FileflareBusy: 429.
        FileflareTimeout: 408 or 504.
        FileflareDown: any other 5xx.
        UnexpectedResponse: anything else that holds no order.
    """
    if status == HTTPStatus.OK:
        with _no_collection():
            return _read_order(body, token)
    if status in _NOT_FOUND or (status in _NOT_FOUND_IF_JSON and "json" in headers.get("Content-Type", "")):
        raise OrderNotFound(f"status {status}", denied=status in _NOT_FOUND_IF_JSON)
    if status == HTTPStatus.TOO_MANY_REQUESTS:
        raise FileflareBusy(read_retry_after(headers, now=now))
    if status in {HTTPStatus.REQUEST_TIMEOUT, HTTPStatus.GATEWAY_TIMEOUT}:
        raise FileflareTimeout(f"status {status}", passes_soon=status == HTTPStatus.GATEWAY_TIMEOUT)
    if status >= _SERVER_ERROR:
        raise FileflareDown(f"status {status}", passes_soon=status in _PASSES_SOON)
    raise UnexpectedResponse(f"status {status}")


@contextmanager
def _no_collection() -> Iterator[None]:
    """Keep Python from looking for cycles: JSON has none, and its many values would have it search the whole memory."""
    was_enabled = gc.isenabled()
    gc.disable()
    try:
        yield
    finally:
        if was_enabled:
            gc.enable()


def _read_order(body: bytes, token: str) -> Order:
    raw, incomplete = _read_json(body)
    context = Context(incomplete=incomplete)
    if token:
        context["order"] = Wanted(token)
    try:
        response = _Response.model_validate(_with_text_inside(raw), context=context)
    except ValidationError as error:
        kinds = sorted({detail["type"] for detail in error.errors(include_input=False, include_url=False)})
        raise UnexpectedResponse(f"no order: {', '.join(kinds)}") from None
    if response.order is None:
        raise OrderNotFound("the order is null")
    return response.order


def _with_text_inside(raw: Any) -> Any:  # noqa: ANN401 - any JSON value
    """Return a response with the store's text in its order."""
    order = as_object(raw.get("order")) if isinstance(raw, dict) else None
    if not isinstance(order, dict):
        return raw
    return {"order": {**order, "text": as_object(raw.get("text"))}}


def _read_json(body: bytes) -> tuple[Any, bool]:
    """Return the JSON value of a body, and whether anything of it may be missing.

    Raises:
        UnexpectedResponse: the body holds no JSON.
    """
    piece = _affordable(body)
    cut = len(piece) < len(body)
    try:
        return from_json(piece, allow_partial=cut), cut  # a partial read would also hide damage, so only if it is ours
    except ValueError:
        pass  # read again, leniently
    text = piece[:MOST_DAMAGED_BYTES].decode(errors="replace")
    found = _Salvage(text).response()
    if found is None:
        raise UnexpectedResponse("no JSON")
    return found


def _affordable(body: bytes) -> bytes:
    """Return the body, or its beginning if there are more values in it than are read."""
    left = MOST_COST if body.isascii() and b"\\u" not in body else MOST_COST_BESIDE_WIDE_TEXT
    for start in range(0, len(body), _STEP):
        left -= sum(cost * body.count(mark, start, start + _STEP) for mark, cost in _COSTS.items())
        if left < 0:
            return body[:start]
    return body


class _Salvage:
    """Reads what can still be read of a text that is no strict JSON.

    The standard library's parser takes what the strict one refuses: half a surrogate pair, a control character, a long
    integer. Where the text is broken, each object that is whole is read alone.
    """

    def __init__(self, text: str) -> None:
        self._text = text
        self._decoder = json.JSONDecoder(strict=False, parse_int=_integer)
        self._patience = 2 * len(text) + _FEWEST_TRIES * _TRY

    def response(self) -> tuple[Any, bool] | None:
        """Return the response, and whether anything may be missing; None if there is nothing of an order."""
        values = list(self._objects())
        roots = [value for value in values if "order" in value]
        pieces = [value for value in values if any(value.keys() >= sign for sign in _PIECES)]
        if _WEB_PAGE.match(self._text.lstrip()):
            pieces = []  # perhaps of the page's own data
        if not pieces:
            return (roots[0], False) if roots else None
        orders = [root["order"] for root in roots if isinstance(root["order"], dict)]
        orders += [piece for piece in pieces if "lines" in piece]
        lines = [piece for piece in pieces if "assets" in piece and "lines" not in piece]
        assets = [piece for piece in pieces if piece.keys() >= _ASSET]
        order = {
            **next(iter(orders), {}),
            "lines": [member for each in orders for member in _members(each.get("lines"))] + lines,
            "assets": [member for each in orders for member in _members(each.get("assets"))] + assets,
        }
        texts = [root.get("text") for root in roots] + [value for value in values if "title" in value]
        return {"order": order, "text": next(iter(texts), None)}, True

    def _objects(self) -> Iterator[dict[str, Any]]:
        """Yield the outermost whole objects."""
        start = self._text.find("{")
        while start >= 0 and self._patience > 0:
            end = start + 1
            try:
                value, end = self._decoder.raw_decode(self._text, start)
            except json.JSONDecodeError as error:
                self._patience -= error.pos - start + _TRY
            except RecursionError:
                self._patience -= len(self._text) + _TRY
            else:
                yield value
            start = self._text.find("{", end)


def _members(value: Any) -> list[Any]:  # noqa: ANN401 - any JSON value
    members = as_list(value)
    return members if isinstance(members, list) else [members]


def _integer(digits: str) -> int | str:
    return int(digits) if len(digits) <= _LONGEST_INTEGER else digits


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


def read_rate_limit(headers: Mapping[str, str]) -> int | None:
    """Return X-RateLimit-Limit, which is taken for requests a minute, or None."""
    return _whole_number(headers.get("X-RateLimit-Limit", "")) or None


def read_reset(headers: Mapping[str, str], *, now: datetime) -> float | None:
    """Return the seconds until X-RateLimit-Reset, which some servers give as a Unix time, or None."""
    number = _whole_number(headers.get("X-RateLimit-Reset", ""))
    if number is None:
        return None
    return min(max(number - now.timestamp(), 0.0) if number >= _UNIX_TIMES else float(number), LONGEST_PAUSE)


def _whole_number(text: str) -> int | None:
    text = text.strip()
    return int(text) if text.isascii() and text.isdecimal() and len(text) <= _LONGEST_NUMBER else None
