"""The TLS parameters of a PostgreSQL address → what asyncpg takes.

The names and their meaning are libpq's: postgresql.org/docs/current/libpq-ssl.html
"""

import os
import ssl
from collections.abc import Callable, Iterable, Mapping
from pathlib import Path
from typing import Any, Final
from urllib.parse import urlencode

_VERSIONS: Final = {"TLSv1.2": ssl.TLSVersion.TLSv1_2, "TLSv1.3": ssl.TLSVersion.TLSv1_3}
_CHOICES: Final = {  # the values that are supported, the default first
    "sslnegotiation": ("postgres", "direct"),
    "sslsni": ("1",),
    "sslcertmode": ("allow", "disable"),
    "ssl_min_protocol_version": tuple(_VERSIONS),
    "ssl_max_protocol_version": tuple(_VERSIONS),
}
_ROOTS: Final = {"sslrootcert", "sslcrl"}
_FOR_ANY_MODE: Final = ("sslcert", "sslkey", "sslpassword", "ssl_min_protocol_version", "ssl_max_protocol_version")
PARAMETERS: Final = {"sslmode", "ssl", *_ROOTS, *_FOR_ANY_MODE, *_CHOICES}
_MODES: Final = ("disable", "allow", "prefer", "require", "verify-ca", "verify-full")
_UNVERIFIED: Final = {"allow", "prefer"}  # TLS if the server has it; asyncpg makes the context for these itself
_JDBC_MODES: Final = {"true": "require", "1": "require", "false": "disable", "0": "disable"}  # of the parameter "ssl"
_SYSTEM: Final = "system"  # sslrootcert's name for what the computer itself trusts


def tls_options(parameters: Mapping[str, str]) -> dict[str, Any]:
    """Return asyncpg's options for these parameters; without any, asyncpg uses TLS if the server has it.

    Raises:
        ValueError: a parameter cannot be honoured. The text does not hold its value.
    """
    given = {name: value for name, value in parameters.items() if name in PARAMETERS and value}
    for name, supported in _CHOICES.items():
        if given.get(name, supported[0]) not in supported:
            raise ValueError(f"must have {_either(supported)} as its {name}")
    if given.get("sslcertmode") == "disable":
        given = {name: value for name, value in given.items() if name not in {"sslcert", "sslkey", "sslpassword"}}
    if not given:
        return {}
    mode = _mode(given)
    if mode == "disable":
        return {"ssl": False}
    direct = given.get("sslnegotiation") == "direct"
    if mode in _UNVERIFIED and (direct or _ROOTS & given.keys()):
        raise ValueError("must have sslmode=verify-full, verify-ca or require beside its other TLS parameters")
    context = _context(mode, given)
    if mode not in _UNVERIFIED:
        return {"ssl": context, "direct_tls": direct}
    return {"dsn": f"postgresql://?{urlencode({'sslmode': mode} | {n: given[n] for n in _FOR_ANY_MODE if n in given})}"}


def _mode(given: Mapping[str, str]) -> str:
    jdbc = given.get("ssl", "")
    mode = given.get("sslmode") or _JDBC_MODES.get(jdbc, jdbc)
    if not mode:
        mode = "verify-full" if given.get("sslrootcert") == _SYSTEM else os.environ.get("PGSSLMODE", "prefer")
    if mode not in _MODES:
        raise ValueError(f"must have {_either(_MODES)} as its sslmode")
    return mode


def _context(mode: str, given: Mapping[str, str]) -> ssl.SSLContext:
    context = ssl.SSLContext(ssl.PROTOCOL_TLS_CLIENT)
    context.check_hostname = False
    context.verify_mode = ssl.CERT_NONE
    if mode not in _UNVERIFIED and _load_roots(context, mode, given):
        context.verify_mode = ssl.CERT_REQUIRED
        context.check_hostname = mode == "verify-full"
    context.minimum_version = _VERSIONS[given.get("ssl_min_protocol_version", "TLSv1.2")]
    if newest := given.get("ssl_max_protocol_version"):
        if _VERSIONS[newest] < context.minimum_version:
            raise ValueError("must have an ssl_max_protocol_version that is not below its ssl_min_protocol_version")
        context.maximum_version = _VERSIONS[newest]
    context.set_alpn_protocols(["postgresql"])
    if "sslcert" in given:
        certificate, key = _path(given["sslcert"]), _path(given["sslkey"]) if "sslkey" in given else None
        password = given.get("sslpassword", "")  # never None: OpenSSL would ask the terminal
        _load("sslcert and sslkey", lambda: context.load_cert_chain(certificate, key, password=password))
    elif "sslkey" in given:
        raise ValueError("must have an sslcert beside its sslkey")
    return context


def _load_roots(context: ssl.SSLContext, mode: str, given: Mapping[str, str]) -> bool:
    """Load the certificates that are trusted; return False if any is, as with sslmode=require and no file."""
    roots = given.get("sslrootcert") or os.environ.get("PGSSLROOTCERT", "")
    if roots == _SYSTEM:
        if mode != "verify-full":
            raise ValueError("must have sslmode=verify-full beside sslrootcert=system")
        context.load_default_certs()
    elif roots or _path("~/.postgresql/root.crt").is_file():
        path = _path(roots or "~/.postgresql/root.crt")
        _load("sslrootcert", lambda: context.load_verify_locations(cafile=path))
    elif mode == "require":
        return False
    else:
        raise ValueError(
            f"must say which certificates sslmode={mode} trusts: add sslrootcert= and the path of your provider's "
            "file, or use sslmode=verify-full&sslrootcert=system for what this computer trusts"
        )
    if "sslcrl" in given:
        _load("sslcrl", lambda: context.load_verify_locations(cafile=_path(given["sslcrl"])))
        context.verify_flags |= ssl.VerifyFlags.VERIFY_CRL_CHECK_CHAIN
    return True


def _path(text: str) -> Path:
    return Path(text).expanduser()


def _load(name: str, load: Callable[[], object]) -> None:
    try:
        load()
    except (OSError, ValueError, RuntimeError) as error:  # SSLError is an OSError; ~ without a home is a RuntimeError
        raise ValueError(
            f"must name files that can be read as certificates and keys, and its {name} cannot ({type(error).__name__})"
        ) from None


def _either(values: Iterable[str]) -> str:
    *others, last = values
    return f"{', '.join(others)} or {last}" if others else last
