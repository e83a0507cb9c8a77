"""The TLS parameters of DATABASE_URL do what libpq's documentation says, tried on a real handshake."""

import asyncio
import contextlib
import ssl
import struct
from collections.abc import AsyncIterator, Callable
from dataclasses import dataclass, field
from pathlib import Path
from typing import Final
from urllib.parse import parse_qs, urlencode, urlsplit

import pytest
from certificates import Authority
from desk import Log
from storage.samples import settings

from fileflare_bot.database_url import driver_options
from fileflare_bot.settings import SettingsError
from fileflare_bot.storage.errors import StorageUnavailable
from fileflare_bot.storage.start_failures import start_failure
from fileflare_bot.storage.storage import open_storage

SSL_REQUEST: Final = struct.pack("!ii", 8, 80877103)
SECRET: Final = "s3cret-of-the-test"


@dataclass
class TLSFront:
    """Speaks TLS as PostgreSQL does, before the PostgreSQL of the tests, whose build has none."""

    socket: str
    context: ssl.SSLContext | None
    seen: list[str] = field(default_factory=list)  # "tls", "tls with a certificate" or "plain", for each connection
    port: int = 0

    async def handle(self, reader: asyncio.StreamReader, writer: asyncio.StreamWriter) -> None:
        """Pass one connection on, after the handshake that the client asks for."""
        try:
            await self._serve(reader, writer)
        except (OSError, asyncio.IncompleteReadError):
            pass
        finally:
            writer.close()

    async def _serve(self, reader: asyncio.StreamReader, writer: asyncio.StreamWriter) -> None:
        first = await reader.readexactly(8)
        kind = "plain"
        if first == SSL_REQUEST:
            writer.write(b"N" if self.context is None else b"S")
            await writer.drain()
            first = b""
            if self.context is not None:
                await writer.start_tls(self.context)
                kind = "tls with a certificate" if writer.get_extra_info("peercert") else "tls"
        server_reader, server_writer = await asyncio.open_unix_connection(f"{self.socket}/.s.PGSQL.5432")
        server_writer.write(first)
        self.seen.append(kind)
        await asyncio.gather(_pipe(reader, server_writer), _pipe(server_reader, writer))


async def _pipe(reader: asyncio.StreamReader, writer: asyncio.StreamWriter) -> None:
    with contextlib.suppress(OSError):
        while data := await reader.read(65536):
            writer.write(data)
            await writer.drain()
    writer.close()


Front = Callable[..., "contextlib.AbstractAsyncContextManager[TLSFront]"]


@pytest.fixture
def authority(tmp_path: Path) -> Authority:
    return Authority(tmp_path)


@pytest.fixture
def front(postgresql_url: str) -> Front:
    """Serve the test's database with this certificate, or without TLS."""
    socket = parse_qs(urlsplit(postgresql_url).query)["host"][0]

    @contextlib.asynccontextmanager
    async def serve(certificate: tuple[Path, Path] | None, clients: Path | None = None) -> AsyncIterator[TLSFront]:
        context = None
        if certificate is not None:
            context = ssl.SSLContext(ssl.PROTOCOL_TLS_SERVER)
            context.load_cert_chain(*certificate)
            if clients is not None:
                context.load_verify_locations(cafile=clients)
                context.verify_mode = ssl.CERT_REQUIRED
        served = TLSFront(socket, context)
        server = await asyncio.start_server(served.handle, "127.0.0.1", 0)
        served.port = server.sockets[0].getsockname()[1]
        try:
            yield served
        finally:
            server.close()

    return serve


@pytest.fixture
def address(postgresql_url: str) -> Callable[..., str]:
    """Return the address of the test's database behind a front."""
    database = urlsplit(postgresql_url).path

    def make(front: TLSFront, host: str = "localhost", **parameters: object) -> str:
        return f"postgresql://postgres:{SECRET}@{host}:{front.port}{database}?{urlencode(parameters)}"

    return make


async def available(url: str) -> bool:
    async with open_storage(settings(url)) as storage:
        return storage.available


async def refusal(url: str) -> str:
    with pytest.raises(SettingsError) as raised:
        await available(url)
    (line,) = raised.value.lines
    assert SECRET not in line
    assert "\n" not in line
    return line


@pytest.mark.parametrize(
    ("mode", "seen"),
    [
        ("disable", ("plain", "plain")),
        ("allow", ("plain", "plain")),
        ("prefer", ("tls", "plain")),
        ("", ("tls", "plain")),
        ("require", ("tls", "refused")),
        ("verify-ca", ("tls", "refused")),
        ("verify-full", ("tls", "refused")),
    ],
)
async def test_every_sslmode_does_what_libpq_does(
    front: Front, address: Callable[..., str], authority: Authority, mode: str, seen: tuple[str, str]
) -> None:
    with_tls, without = seen
    given = {"sslmode": mode} | ({"sslrootcert": authority.file} if mode.startswith("verify") else {})
    async with front(authority.issue("localhost")) as encrypted:
        assert await available(address(encrypted, **given))
        assert {*encrypted.seen} == {with_tls}
    async with front(None) as plain:
        if without == "refused":
            assert "asks for TLS, which the database does not offer" in await refusal(address(plain, **given))
        else:
            assert await available(address(plain, **given))
        assert {*plain.seen} <= {"plain"}


async def test_verify_full_refuses_another_authority_and_another_host(
    front: Front, address: Callable[..., str], authority: Authority, tmp_path: Path
) -> None:
    stranger = Authority(tmp_path, "stranger")
    async with front(authority.issue("localhost")) as served:
        for mode in ("require", "verify-ca", "verify-full"):
            line = await refusal(address(served, sslmode=mode, sslrootcert=stranger.file))
            assert line.startswith("DATABASE_URL names a database whose certificate is not trusted")
            assert "sslrootcert" in line
        given = {"sslrootcert": authority.file, "host": "127.0.0.1"}
        assert "is not trusted" in await refusal(address(served, sslmode="verify-full", **given))
        assert await available(address(served, sslmode="verify-ca", **given))
        assert "is not trusted" in await refusal(address(served, sslrootcert="system"))
    assert {*served.seen} == {"tls"}


async def test_a_certificate_that_has_expired_is_an_outage_and_not_a_wrong_setting(
    front: Front, address: Callable[..., str], authority: Authority, log: Log
) -> None:
    async with front(authority.issue("localhost", days=-1)) as served:
        assert not await available(address(served, sslmode="verify-full", sslrootcert=authority.file))

    (away,) = log.events("database_away")
    assert "certificate has expired" in str(away)


@pytest.mark.parametrize("mode", ["prefer", "require", "verify-full"])
async def test_a_certificate_of_the_bots_own_is_sent(
    front: Front, address: Callable[..., str], authority: Authority, mode: str
) -> None:
    certificate, key = authority.issue("bot.example", password=SECRET)
    given = {"sslcert": certificate, "sslkey": key, "sslpassword": SECRET}
    roots = {"sslrootcert": authority.file} if mode == "verify-full" else {}
    async with front(authority.issue("localhost"), clients=authority.file) as served:
        assert await available(address(served, sslmode=mode, **given, **roots))

    assert {*served.seen} == {"tls with a certificate"}


def test_a_server_that_refuses_the_bots_certificate_is_a_wrong_setting() -> None:
    alert = ssl.SSLError(1, "[SSL: TLSV1_ALERT_UNKNOWN_CA] tlsv1 alert unknown ca")
    alert.reason = "TLSV1_ALERT_UNKNOWN_CA"
    broken = ssl.SSLError(1, "[SSL] record layer failure")

    assert str(start_failure(alert, None)).startswith("DATABASE_URL has TLS parameters that the database refuses")
    assert isinstance(start_failure(broken, None), StorageUnavailable)


async def test_a_tls_server_that_is_away_is_an_outage(authority: Authority, unused_tcp_port: int) -> None:
    given = {"sslmode": "verify-full", "sslrootcert": authority.file}
    assert not await available(f"postgresql://me:{SECRET}@localhost:{unused_tcp_port}/x?{urlencode(given)}")


@pytest.mark.parametrize(
    ("query", "named"),
    [
        (f"sslmode={SECRET}", "sslmode"),
        ("sslmode=verify_full", "sslmode"),
        ("ssl=maybe", "sslmode"),
        (f"sslmode=verify-full&sslrootcert=/nowhere/{SECRET}", "sslrootcert"),
        ("sslmode=verify-full&sslrootcert=/", "sslrootcert"),
        (f"sslmode=require&sslcert=/nowhere/{SECRET}", "sslcert"),
        (f"sslmode=prefer&sslcert=/nowhere/{SECRET}", "sslcert"),
        (f"sslmode=require&sslkey=/nowhere/{SECRET}", "sslcert"),
        ("sslmode=verify-ca&sslrootcert=system", "sslmode=verify-full"),
        ("sslrootcert=/nowhere", "sslmode=verify-full"),
        ("sslmode=require&ssl_min_protocol_version=SSLv3", "ssl_min_protocol_version"),
        ("sslmode=require&ssl_min_protocol_version=TLSv1.3&ssl_max_protocol_version=TLSv1.2", "ssl_max_protocol"),
        ("sslmode=require&sslnegotiation=maybe", "sslnegotiation"),
        ("sslmode=require&sslsni=0", "sslsni"),
        ("sslmode=require&sslcertmode=require", "sslcertmode"),
    ],
)
def test_what_cannot_be_honoured_is_named_without_its_value(query: str, named: str) -> None:
    with pytest.raises(ValueError, match=named) as raised:
        driver_options(f"postgresql://me:{SECRET}@db.example/x?{query}")

    assert SECRET not in str(raised.value)
    assert "\n" not in str(raised.value)


def test_verifying_without_a_file_says_what_to_add(monkeypatch: pytest.MonkeyPatch, tmp_path: Path) -> None:
    monkeypatch.setenv("HOME", str(tmp_path))
    monkeypatch.delenv("PGSSLROOTCERT", raising=False)

    with pytest.raises(ValueError, match=r"add sslrootcert= .* or use sslmode=verify-full&sslrootcert=system"):
        driver_options("postgresql://me@db.example/x?sslmode=verify-full")


@pytest.mark.parametrize(("given", "mode"), [("true", ssl.CERT_NONE), ("require", ssl.CERT_NONE), ("false", None)])
def test_ssl_is_understood_as_other_drivers_write_it(given: str, mode: ssl.VerifyMode | None) -> None:
    option = driver_options(f"postgresql://me@db.example/x?ssl={given}")["ssl"]

    assert (option.verify_mode if isinstance(option, ssl.SSLContext) else None) == mode


def test_direct_negotiation_and_versions_reach_the_driver() -> None:
    query = "sslmode=require&sslnegotiation=direct&ssl_min_protocol_version=TLSv1.3&ssl_max_protocol_version=TLSv1.3"
    options = driver_options(f"postgresql://me@db.example/x?{query}")

    assert options["direct_tls"]
    assert (options["ssl"].minimum_version, options["ssl"].maximum_version) == (ssl.TLSVersion.TLSv1_3,) * 2


def test_a_certificate_of_ours_is_left_out_where_none_is_to_be_sent() -> None:
    none = "sslcertmode=disable&sslcert=/nowhere&sslkey=/nowhere"

    assert isinstance(driver_options(f"postgresql://me@db.example/x?sslmode=require&{none}")["ssl"], ssl.SSLContext)


def test_revoked_certificates_are_looked_for_where_a_list_is_given(authority: Authority) -> None:
    given = urlencode({"sslmode": "verify-full", "sslrootcert": authority.file, "sslcrl": authority.file})

    option = driver_options(f"postgresql://me@db.example/x?{given}")["ssl"]

    assert option.verify_flags & ssl.VerifyFlags.VERIFY_CRL_CHECK_CHAIN
