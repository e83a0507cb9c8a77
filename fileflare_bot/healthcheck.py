"""``python -m fileflare_bot.healthcheck``: what the container's health check runs; it exits with 1 if all is not well.

It asks /readyz on the port of METRICS_PORT, and counts as well without one. It imports little, as it runs often.
"""

import os
import sys
from typing import Final
from urllib.request import ProxyHandler, build_opener

SECONDS: Final = 4.0
_OPEN_TO_ALL: Final = {"": "127.0.0.1", "0.0.0.0": "127.0.0.1", "::": "::1"}  # noqa: S104 - these are asked on loopback


def ready() -> bool:
    """Return whether the bot says that it is ready, or serves nothing that could say it."""
    port, host = _setting("METRICS_PORT"), _setting("METRICS_HOST").strip("[]")
    if not port:
        return True
    host = _OPEN_TO_ALL.get(host, host)
    address = f"http://[{host}]:{port}/readyz" if ":" in host else f"http://{host}:{port}/readyz"
    try:
        with build_opener(ProxyHandler({})).open(address, timeout=SECONDS):  # HTTP_PROXY is not for this computer
            return True
    except (OSError, ValueError):
        return False


def _setting(name: str) -> str:
    return os.environ.get(name, "").strip(" \"'")  # docker's --env-file keeps the quotes


if __name__ == "__main__":
    sys.exit(0 if ready() else 1)
