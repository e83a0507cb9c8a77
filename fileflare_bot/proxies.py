"""Which proxy an address is asked through, as HTTPS_PROXY, HTTP_PROXY and NO_PROXY say."""

import ipaddress
from typing import Final
from urllib.parse import urlsplit
from urllib.request import proxy_bypass_environment  # type: ignore[attr-defined]  # typeshed leaves it out

from fileflare_bot.settings import Settings

_LOOPBACK_NAME: Final = "localhost"


def proxy_for(address: str, settings: Settings) -> str | None:
    """Return the proxy for this address, None for a direct connection; loopback is always asked directly."""
    parts = urlsplit(address)
    host = parts.hostname or ""
    proxy = settings.https_proxy if parts.scheme in {"https", "wss"} else settings.http_proxy
    bypassed = proxy_bypass_environment(host, {"no": settings.no_proxy or ""})
    return None if proxy is None or bypassed or _is_loopback(host) else proxy.get_secret_value()


def _is_loopback(host: str) -> bool:
    try:
        return ipaddress.ip_address(host).is_loopback
    except ValueError:
        return host == _LOOPBACK_NAME or host.endswith(f".{_LOOPBACK_NAME}")
