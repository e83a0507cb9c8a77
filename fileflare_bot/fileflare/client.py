"""Fetches one order from Fileflare's public endpoint, ``GET /api/v2/customer-account-orders?id=<ID>``."""

import asyncio
from collections.abc import Callable, Mapping
from typing import Final

import aiohttp
from yarl import URL

from fileflare_bot import __version__
from fileflare_bot.fileflare.errors import (
    FileflareDown,
    FileflareTimeout,
    FileflareUnavailable,
    LookupFailed,
    UnexpectedResponse,
)
from fileflare_bot.fileflare.responses import read_response
from fileflare_bot.orders.models import Order
from fileflare_bot.orders.reference import OrderReference

LARGEST_BODY: Final = 5_000_000  # bytes, after decompression; an order of 2,000 assets takes about 1 MB
READ_AT_ONCE: Final = 10_000  # bytes; a larger body is read in a thread, so that others do not wait
MOST_REDIRECTS: Final = 3

_REDIRECTS: Final = {301, 302, 303, 307, 308}
_HEADERS: Final = {"Accept": "application/json", "User-Agent": f"fileflare-discord-bot/{__version__}"}

# The first matching class decides.
_ERROR_MAP: Final[tuple[tuple[type[BaseException], type[FileflareUnavailable]], ...]] = (
    (TimeoutError, FileflareTimeout),
    (aiohttp.ClientResponseError, UnexpectedResponse),
    (aiohttp.InvalidURL, UnexpectedResponse),
    (aiohttp.ClientError, FileflareDown),
    (OSError, FileflareDown),
    (ValueError, UnexpectedResponse),
)


class FileflareClient:
    """Fetches orders over a session that it does not own and never closes.

    ``on_response`` receives the status and headers of every response.
    """

    def __init__(
        self,
        session: aiohttp.ClientSession,
        base_url: str,
        *,
        timeout_seconds: float = 15.0,
        connect_timeout_seconds: float = 5.0,
        largest_body: int = LARGEST_BODY,
        on_response: Callable[[int, Mapping[str, str]], None] | None = None,
    ) -> None:
        self._session = session
        self._endpoint = URL(base_url) / "api/v2/customer-account-orders"
        self._timeout = aiohttp.ClientTimeout(
            total=timeout_seconds, sock_connect=min(connect_timeout_seconds, timeout_seconds)
        )
        self._largest_body = largest_body
        self._on_response = on_response

    async def fetch_order(self, reference: OrderReference) -> Order:
        """Return the order as it is now; only its links still hold its ID.

        Raises:
            OrderNotFound: Fileflare knows no such order.
            FileflareUnavailable: no usable response; the subclass says why.
        """
        try:
            status, headers, body = await self._get(self._endpoint.with_query(id=reference.token))
        except LookupFailed:
            raise
        except (aiohttp.ClientError, OSError, ValueError) as error:
            failure = _mapped(error)
        else:
            return await _order_in(status, headers, body, reference.token)
        # Raised out here to have no __context__: "from None" only hides it, and aiohttp's text can hold the ID.
        raise failure

    async def _get(self, url: URL) -> tuple[int, Mapping[str, str], bytes]:
        """Return the response; follow redirects only on Fileflare's own host, because they carry the ID."""
        for _ in range(MOST_REDIRECTS + 1):
            async with self._session.get(
                url, timeout=self._timeout, headers=_HEADERS, allow_redirects=False
            ) as response:
                if self._on_response is not None:
                    self._on_response(response.status, response.headers)
                location = response.headers.get("Location")
                if response.status not in _REDIRECTS or location is None:
                    return response.status, response.headers, await self._read(response)
                url = url.join(URL(location))
            if not url.absolute or url.origin() != self._endpoint.origin():
                raise UnexpectedResponse("a redirect to another host")
        raise UnexpectedResponse("too many redirects")

    async def _read(self, response: aiohttp.ClientResponse) -> bytes:
        body = bytearray()
        async for chunk in response.content.iter_any():  # decompressed in bounded chunks
            body += chunk
            if len(body) > self._largest_body:
                response.close()
                raise UnexpectedResponse(f"a body over {self._largest_body} bytes")
        return bytes(body)


async def _order_in(status: int, headers: Mapping[str, str], body: bytes, token: str) -> Order:
    """Read a response without holding up the event loop, whatever it is made of."""
    if len(body) <= READ_AT_ONCE:
        return read_response(status, headers, body, token=token)
    return await asyncio.to_thread(read_response, status, headers, body, token=token)


def _mapped(error: Exception) -> FileflareUnavailable:
    """Map an error to ours. Keep only its class name: aiohttp's texts can hold the address, and with it the ID."""
    ours = next(ours for theirs, ours in _ERROR_MAP if isinstance(error, theirs))
    passes_soon = ours is FileflareDown and isinstance(error, aiohttp.ClientConnectionError)
    return ours(type(error).__name__, passes_soon=passes_soon)
