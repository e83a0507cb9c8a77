"""The ways in which the sample Fileflare can misbehave, for tests and for the fault tour."""

import asyncio
import zlib
from datetime import UTC, datetime, timedelta
from email.utils import format_datetime
from typing import Final

from aiohttp import web
from doubles.faulty_fileflare import SENT_BYTES, Fault

ELSEWHERE: Final = "http://127.0.0.1:9/api/v2/customer-account-orders"
HUGE_BYTES: Final = 50_000_000
BOMB_BYTES: Final = 200_000_000


def status(code: int, text: str = "{}", kind: str = "application/json", **headers: str) -> Fault:
    """Return a fault that responds with this status; an underscore in a header's name stands for a dash."""

    async def respond(_request: web.Request) -> web.StreamResponse:
        named = {name.replace("_", "-"): value for name, value in headers.items()}
        return web.Response(status=code, text=text, content_type=kind, headers=named)

    return respond


def body(text: str) -> Fault:
    """Return a fault that responds 200 with this body."""
    return status(200, text)


async def busy_until(_request: web.Request) -> web.StreamResponse:
    """Respond 429 with a date as Retry-After."""
    until = format_datetime(datetime.now(UTC) + timedelta(seconds=30), usegmt=True)
    return web.Response(status=429, headers={"Retry-After": until})


async def slow_body(request: web.Request) -> web.StreamResponse:
    """Begin a response, and never end it."""
    response = web.StreamResponse(headers={"Content-Type": "application/json"})
    await response.prepare(request)
    await response.write(b'{"order": ')
    await _until_the_client_goes(request)
    return response


async def dripping_body(request: web.Request) -> web.StreamResponse:
    """Send a byte now and then, so that the connection never falls idle."""
    response = web.StreamResponse(headers={"Content-Type": "application/json"})
    await response.prepare(request)
    while not _is_gone(request):
        await response.write(b" ")
        await asyncio.sleep(0.02)
    return response


async def silent(request: web.Request) -> web.StreamResponse:
    """Accept the request, and never respond."""
    await _until_the_client_goes(request)
    return web.Response()


async def endless_body(request: web.Request) -> web.StreamResponse:
    """Respond for as long as the client reads."""
    return await _stream(request, b" " * 65_536, None)


async def huge_body(request: web.Request) -> web.StreamResponse:
    """Respond with 50 MB."""
    return await _stream(request, b" " * 65_536, HUGE_BYTES)


async def gzip_bomb(_request: web.Request) -> web.StreamResponse:
    """Respond with a small gzip body that decompresses to a huge one."""
    return _packed("gzip", _bomb(zlib.MAX_WBITS | 16))


async def deflate_bomb(_request: web.Request) -> web.StreamResponse:
    """Respond like gzip_bomb(), in the other encoding that every client accepts."""
    return _packed("deflate", _bomb(zlib.MAX_WBITS))


async def wrong_encoding(_request: web.Request) -> web.StreamResponse:
    """Respond with a body that does not match its Content-Encoding."""
    return web.Response(body=b"not packed at all", headers={"Content-Encoding": "gzip"})


async def reset(request: web.Request) -> web.StreamResponse:
    """Drop the connection."""
    if request.transport is not None:
        request.transport.abort()
    return web.Response()


async def truncated(request: web.Request) -> web.StreamResponse:
    """Announce a longer body than is sent."""
    response = web.StreamResponse(headers={"Content-Length": "1000"})
    await response.prepare(request)
    await response.write(b'{"order": ')
    if request.transport is not None:
        request.transport.close()
    return response


def _packed(encoding: str, packed: bytes) -> web.Response:
    return web.Response(body=packed, headers={"Content-Encoding": encoding, "Content-Type": "application/json"})


def _bomb(wbits: int) -> bytes:
    """Return a compressed stream without its end: compressing one piece and repeating it is fast."""
    packer = zlib.compressobj(wbits=wbits)
    piece = b" " * 1_000_000
    first, again = (packer.compress(piece) + packer.flush(zlib.Z_FULL_FLUSH) for _ in range(2))
    return first + again * (BOMB_BYTES // len(piece) - 1)


def _is_gone(request: web.Request) -> bool:
    return request.transport is None or request.transport.is_closing()


async def _until_the_client_goes(request: web.Request) -> None:
    while not _is_gone(request):  # noqa: ASYNC110 - aiohttp offers no event for it
        await asyncio.sleep(0.02)


async def _stream(request: web.Request, piece: bytes, total: int | None) -> web.StreamResponse:
    response = web.StreamResponse(headers={"Content-Type": "application/json"})
    await response.prepare(request)
    sent = 0
    while total is None or sent < total:
        await response.write(piece)
        sent += len(piece)
        request[SENT_BYTES][0] = sent
    return response


FAULTS: Final[dict[str, Fault]] = {
    "not_found": status(404),
    "unauthorized": status(401),
    "blocked": status(403, "<html>Access denied</html>", "text/html"),
    "unprocessable": status(422),
    "busy_seconds": status(429, Retry_After="2"),
    "busy_date": busy_until,
    "server_error": status(500),
    "bad_gateway": status(502, "<html>Bad gateway</html>", "text/html"),
    "unavailable": status(503),
    "gateway_timeout": status(504),
    "empty_body": body(""),
    "not_json": status(200, "<html>Maintenance</html>", "text/html"),
    "wrong_types": body('{"order": {"lines": {"a": 1}, "assets": "none"}}'),
    "null_order": body('{"order": null}'),
    "an_array": body("[]"),
    "silent": silent,
    "slow_body": slow_body,
    "dripping_body": dripping_body,
    "endless_body": endless_body,
    "huge_body": huge_body,
    "gzip_bomb": gzip_bomb,
    "deflate_bomb": deflate_bomb,
    "wrong_encoding": wrong_encoding,
    "reset": reset,
    "truncated": truncated,
    "redirect_elsewhere": status(302, Location=ELSEWHERE),
    "redirect_loop": status(302, Location="/api/v2/customer-account-orders"),
}
