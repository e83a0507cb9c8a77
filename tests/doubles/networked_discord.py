"""A Discord to fail on: simcord's model of Discord behind a real REST API and gateway on loopback.

Real bots connect to it, in this process or in processes of their own, with any number of shards. It models guilds,
channels, threads, direct messages, roles, members, messages, interactions, AutoMod rules with patterns, ``nonce``,
and the codes of discord.com/developers/docs/topics/opcodes-and-status-codes that decide what the bot does next.

Any call can fail, before or after Discord has carried it out, and a call can end the bot's process instead.

Not modelled: rate-limit headers and global limits, resuming a session (it has to identify again), presence, voice,
auto-archiving after a while, and Rust's regular expressions (AutoMod patterns run in Python's).
"""

import asyncio
import io
import itertools
import json
import mimetypes
import re
import time
from collections.abc import AsyncIterator, Callable, Mapping
from contextlib import asynccontextmanager
from dataclasses import dataclass, field
from datetime import UTC, datetime
from pathlib import Path
from typing import Any, Final, NamedTuple, cast

import discord
from aiohttp import web
from doubles.discord_people import People
from doubles.loopback import ACK, API, AT_MOST, GREETING, HEARTBEAT, IDENTIFY, INVALID_SESSION, RESUME, error, response
from doubles.loopback_payloads import Json
from simcord import intents
from simcord._clock import Clock
from simcord.backend import Backend, serializers
from simcord.backend.errors import BackendError
from simcord.http import client as _routes  # noqa: F401 - importing it registers every route
from simcord.http import router

from fileflare_bot.demo.simulator import know_patterns

MESSAGE: Final = re.compile(r"/channels/\d+/messages")
SHORT_PAUSES: Final = "discord.backoff.ExponentialBackoff.delay = lambda self: 0.05"
THREAD: Final = re.compile(r"/channels/\d+/messages/(\d+)/threads")


class RealClock(Clock):
    """The real time: real processes compare it with their own."""

    def now(self) -> datetime:
        """Return the time in UTC."""
        return datetime.now(UTC)


class Call(NamedTuple):
    """One REST request of a bot, and the status of the response; 0 if the connection was dropped."""

    method: str
    path: str
    body: Any
    status: int
    agent: str  # what the process calls itself


@dataclass(slots=True)
class Fault:
    """What happens to the calls that ``wanted`` picks, ``times`` at most.

    They are answered with ``status`` instead of being carried out, or after they were; 0 drops the connection, None
    answers as usual. ``act`` runs at that moment, such as to kill a process, and ``held`` is waited for first, or
    before the response if it is ``after``.
    """

    wanted: Callable[[str, str, Any], bool]
    status: int | None = 500
    code: int = 0
    after: bool = False
    times: int | None = 1
    act: Callable[[], None] | None = None
    held: asyncio.Event | None = None


@dataclass(slots=True)
class Session:
    """A gateway connection of one shard."""

    socket: web.WebSocketResponse
    shard: int
    shards: int
    wanted: discord.Intents
    bot_id: int
    agent: str  # what the process calls itself
    sequence: "itertools.count[int]" = field(default_factory=lambda: itertools.count(1))
    outgoing: asyncio.Queue[Json] = field(default_factory=asyncio.Queue)
    ended: float | None = None  # time.monotonic()

    def takes(self, event: str, payload: Mapping[str, Any]) -> bool:
        """Return whether an event belongs to this shard and its intents."""
        gate = intents.required_intent(event, payload)
        if gate is not None and not getattr(self.wanted, gate):
            return False
        guild_id = payload.get("guild_id") or (payload.get("id") if event.startswith("GUILD_") else None)
        return (0 if guild_id is None else int(guild_id) >> 22) % self.shards == self.shard

    def send(self, event: str, payload: Mapping[str, Any]) -> None:
        """Send an event after those before it."""
        copied = json.loads(json.dumps(payload))
        if event == "GUILD_CREATE":
            intents.prune_guild_create(copied, self.wanted, self.bot_id)
        self.outgoing.put_nowait({"op": 0, "t": event, "s": next(self.sequence), "d": copied})


class NetworkedDiscord(People):
    """One application and its bot. ``backend`` is simcord's model: change it to set a scene, read it to check one."""

    def __init__(self, *, shards: int = 1) -> None:
        super().__init__()
        self.backend = Backend(clock=RealClock())
        self.backend.transcript = cast("list[Any]", _Nothing())  # it would only grow
        self.backend.http_requests = cast("list[Any]", _Nothing())
        self.backend.subscribers.append(self._broadcast)
        know_patterns(self.backend)
        self.shards = shards
        self.calls: list[Call] = []
        self.faults: list[Fault] = []
        self.sessions: list[Session] = []
        self.identified: list[tuple[float, int]] = []  # the time.monotonic() and shard of each IDENTIFY
        self.session_starts = dict(AT_MOST)
        self.closed_to: set[int] = set()  # users with closed direct messages
        self.nonce_seconds = 180.0  # "a few minutes": discord.com/developers/docs/resources/message
        self._files: dict[str, bytes] = {}
        self._nonces: dict[tuple[int, str], tuple[int, float]] = {}

    def upload(self, name: str, content: bytes) -> Json:
        """Return a file that a user attaches to a command."""
        self._files[name] = content
        url = self.url.replace(API, f"/files/{name}")
        kind = mimetypes.guess_type(name)[0]
        sized = {"size": len(content), "content_type": kind}
        return {"id": str(len(self._files)), "filename": name, "url": url, "proxy_url": url, **sized}

    def forget_nonces(self) -> None:
        """Forget all nonces, as Discord does after some minutes."""
        self._nonces.clear()

    def calls_to(self, method: str, end: str) -> int:
        """Return how many calls had this method and a path that ends like this."""
        return sum(call.method == method and call.path.endswith(end) for call in self.calls)

    @asynccontextmanager
    async def serve(self) -> AsyncIterator["NetworkedDiscord"]:
        """Serve on loopback inside this block; ``url`` and ``gateway_url`` say where."""
        app = web.Application()
        app.router.add_route("*", f"{API}{{path:/.*}}", self._rest)
        app.router.add_get("/files/{name}", self._file)
        app.router.add_get("/gateway", self._gateway)
        app.router.add_get("/gateway/", self._gateway)
        async with self.serving(app):
            yield self
            for session in self.sessions:
                await session.socket.close()

    def command(
        self, *arguments: str, first: str = "", main: str = "bot.main()", script: Path | None = None
    ) -> list[str]:
        """Return the command that runs the real bot.py on this Discord; it connects again without long pauses."""
        return super().command(*arguments, first=f"{SHORT_PAUSES}\n{first}", main=main, script=script)

    async def connected(self) -> None:
        """Wait until every shard has a session."""
        await self.until(lambda: {session.shard for session in self.sessions} == set(range(self.shards)))

    async def _rest(self, request: web.Request) -> web.StreamResponse:
        method, path = request.method, request.match_info["path"]
        body, files = await _body(request)
        open_to_all = path.startswith(("/interactions/", "/webhooks/"))
        if not open_to_all and request.headers.get("Authorization") != f"Bot {self.token}":
            return error(401, 0, "401: Unauthorized")
        fault = self._fault(method, path, body)
        await self._happen(fault, after=False)
        if fault is None or fault.after or fault.status is None:
            status, answer = self._carry_out(method, path, body, dict(request.query), files)
        await self._happen(fault, after=True)
        if fault is not None and fault.status is not None:
            status, answer = fault.status, {"message": "As the test wants it.", "code": fault.code}
        self.calls.append(Call(method, path, body, status, request.headers.get("User-Agent", "")))
        self.changed.set()
        if status == 0:
            if request.transport is not None:
                request.transport.abort()
            return web.Response()
        retry = {"Retry-After": "0.05", "Via": "1.1 test"} if status == web.HTTPTooManyRequests.status_code else {}
        if retry:
            answer = {**answer, "retry_after": 0.05, "global": False}
        return response(answer, status=status, headers=retry)

    async def _happen(self, fault: Fault | None, *, after: bool) -> None:
        """Let a fault of this moment happen."""
        if fault is None or fault.after is not after:
            return
        if fault.held is not None:
            self.changed.set()
            await fault.held.wait()
        if fault.act is not None:
            fault.act()

    async def _file(self, request: web.Request) -> web.Response:
        return web.Response(body=self._files[request.match_info["name"]])

    def _carry_out(self, method: str, path: str, body: Any, query: Json, files: list[Any]) -> tuple[int, Any]:  # noqa: ANN401 - JSON
        if path in {"/gateway", "/gateway/bot"}:
            return 200, {"url": self.gateway_url, "shards": self.shards, "session_start_limit": self.session_starts}
        try:
            self._refuse(method, path)
            if (known := self._known(method, path, body)) is not None:
                return 200, known
            answer = router.dispatch(self.backend, method, path, json=body, params=query, files=files)
        except (router.RouteNotImplemented, router.UnsupportedField) as missing:
            return 501, {"message": str(missing), "code": 0}
        except BackendError as refused:
            return refused.status, refused.to_json()
        self._remember(method, path, body, answer)
        if path.startswith("/webhooks/"):
            self.completed.add(path.split("/")[3])
        return (204, None) if answer is None else (200, answer)

    def _refuse(self, method: str, path: str) -> None:
        """Refuse what simcord lets pass: closed direct messages, strangers, a second thread of a message."""
        if method != "POST":
            return
        if MESSAGE.fullmatch(path):
            channel = self.backend.channels.get(int(path.split("/")[2]))
            if channel is not None and channel.guild_id is None:
                (user_id,) = channel.recipient_ids
                if not any(user_id in guild.members for guild in self.backend.guilds.values()):
                    raise BackendError(403, 50278, "Cannot send messages to this user due to having no mutual guilds")
                if user_id in self.closed_to:
                    raise BackendError(403, 50007, "Cannot send messages to this user")
            if channel is not None and channel.thread_metadata is not None and channel.thread_metadata.archived:
                channel.thread_metadata.archived = False  # a message opens an archived thread again
        if (found := THREAD.fullmatch(path)) and int(found[1]) in self.backend.channels:
            raise BackendError(400, 160004, "A thread has already been created for this message")

    def _known(self, method: str, path: str, body: Any) -> Any:  # noqa: ANN401 - JSON
        """Return the message that an earlier call with this nonce has made."""
        if method != "POST" or not MESSAGE.fullmatch(path) or not (body or {}).get("enforce_nonce"):
            return None
        channel_id = int(path.split("/")[2])
        message_id, at = self._nonces.get((channel_id, str(body["nonce"])), (0, 0.0))
        message = self.backend.messages.get(channel_id, {}).get(message_id)
        if message is None or time.monotonic() - at >= self.nonce_seconds:
            return None
        return dict(serializers.message_payload(self.backend, message))

    def _remember(self, method: str, path: str, body: Any, answer: Any) -> None:  # noqa: ANN401 - JSON
        if method == "POST" and MESSAGE.fullmatch(path) and (body or {}).get("nonce"):
            self._nonces[int(path.split("/")[2]), str(body["nonce"])] = int(answer["id"]), time.monotonic()

    def _fault(self, method: str, path: str, body: Any) -> Fault | None:  # noqa: ANN401 - JSON
        for fault in self.faults:
            if fault.wanted(method, path, body):
                if fault.times is not None:
                    fault.times -= 1
                    if fault.times <= 0:
                        self.faults.remove(fault)
                return fault
        return None

    async def _gateway(self, request: web.Request) -> web.WebSocketResponse:
        socket = web.WebSocketResponse()
        await socket.prepare(request)
        await socket.send_json(GREETING)
        session: Session | None = None
        sending: asyncio.Task[None] | None = None
        async for received in socket:
            frame = json.loads(received.data)
            if frame["op"] == HEARTBEAT:
                await socket.send_json({"op": ACK})
            elif frame["op"] == RESUME:
                await socket.send_json({"op": INVALID_SESSION, "d": False})
            elif frame["op"] == IDENTIFY and frame["d"]["token"] != self.token:
                await socket.close(code=4004)
            elif frame["op"] == IDENTIFY:
                shard, shards = frame["d"].get("shard") or (0, 1)
                self.identified.append((time.monotonic(), shard))
                wanted = discord.Intents(**_intents(frame["d"]["intents"]))
                agent = request.headers.get("User-Agent", "")
                session = Session(socket, shard, shards, wanted, self.backend.bot_user.id, agent)
                sending = asyncio.create_task(_send(session))
                self._begin(session)
            self.changed.set()
        if session is not None:
            session.ended = time.monotonic()
            self.sessions.remove(session)
        if sending is not None:
            sending.cancel()
        self.changed.set()
        return socket

    def _begin(self, session: Session) -> None:
        guilds = [guild for guild in self.backend.guilds.values() if (guild.id >> 22) % session.shards == session.shard]
        session.send(
            "READY",
            {
                "v": 10,
                "user": dict(serializers.user_payload(self.backend.bot_user)),
                "guilds": [{"id": str(guild.id), "unavailable": True} for guild in guilds],
                "session_id": f"session-{id(session)}",
                "resume_gateway_url": self.gateway_url,
                "shard": [session.shard, session.shards],
                "application": {"id": str(self.backend.application_id), "flags": 0},
            },
        )
        for guild in guilds:
            created = cast("Json", serializers.guild_create_payload(self.backend, guild))
            active = [thread for thread in created["threads"] if not thread["thread_metadata"]["archived"]]
            session.send("GUILD_CREATE", {**created, "threads": active})
        self.sessions.append(session)

    def _broadcast(self, event: str, payload: Mapping[str, Any]) -> None:
        for session in self.sessions:
            if session.takes(event, payload):
                session.send(event, payload)


class _Nothing(list[Any]):
    def append(self, _item: object) -> None:  # a record that nobody reads
        pass


def _intents(value: int) -> dict[str, bool]:
    return {name: bool(value & bit) for name, bit in discord.Intents.VALID_FLAGS.items()}


async def _body(request: web.Request) -> tuple[Any, list[Any]]:
    """Return the JSON of a request, and the files beside it."""
    if not request.can_read_body:
        return None, []
    if request.content_type != "multipart/form-data":
        return await request.json(), []
    payload: Any = None
    files = []
    async for part in await request.multipart():
        content = await part.read()  # type: ignore[union-attr]  # Discord's forms are never nested
        if part.name == "payload_json":  # type: ignore[union-attr]  # the same
            payload = json.loads(content)
        else:
            files.append(discord.File(io.BytesIO(content), part.filename))  # type: ignore[union-attr]  # the same
    return payload, files


async def _send(session: Session) -> None:
    while True:
        await session.socket.send_json(await session.outgoing.get())
