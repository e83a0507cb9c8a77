"""A Discord to fail on: simcord's model of Discord behind a real REST API and gateway on loopback.

Real bots connect to it, in this process or in processes of their own, with any number of shards. It models guilds,
channels, threads, direct messages, roles, members, messages, interactions, AutoMod rules with patterns, ``nonce``,
and the codes of discord.com/developers/docs/topics/opcodes-and-status-codes that decide what the bot does next.

Any call can fail, before or after Discord has carried it out, and a call can end the bot's process instead.

Not modelled: rate-limit headers and global limits, resuming a session (it has to identify again), presence, voice,
auto-archiving after a while, Rust's regular expressions (AutoMod patterns run in Python's), and how long a nonce is
remembered (here: for ever).
"""

import asyncio
import io
import itertools
import json
import re
import sys
from collections.abc import AsyncIterator, Callable, Mapping
from contextlib import asynccontextmanager
from dataclasses import dataclass, field
from datetime import UTC, datetime
from typing import Any, Final, NamedTuple, cast

import discord
from aiohttp import web
from doubles.loopback_payloads import TOKEN
from simcord import intents
from simcord._clock import Clock
from simcord.backend import Backend, serializers
from simcord.backend.errors import BackendError
from simcord.backend.models import AutoModRule, Message
from simcord.components import walk_components
from simcord.enums import InteractionType
from simcord.http import client as _routes  # noqa: F401 - importing it registers every route
from simcord.http import router
from simcord.interactions import base_payload

API: Final = "/api/v10"
PATIENCE_SECONDS: Final = 15.0
HEARTBEAT, IDENTIFY, RESUME, INVALID_SESSION, HELLO, ACK = 1, 2, 6, 9, 10, 11
MESSAGE: Final = re.compile(r"/channels/\d+/messages")
THREAD: Final = re.compile(r"/channels/\d+/messages/(\d+)/threads")
Json = dict[str, Any]


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


@dataclass(slots=True)
class Fault:
    """What happens to the calls that ``wanted`` picks, instead of or after what Discord does; ``times`` at most.

    ``status`` 0 drops the connection. ``act`` runs at that moment, such as to kill a process.
    """

    wanted: Callable[[str, str, Any], bool]
    status: int = 500
    code: int = 0
    after: bool = False
    times: int | None = 1
    act: Callable[[], None] | None = None


@dataclass(slots=True)
class Session:
    """A gateway connection of one shard."""

    socket: web.WebSocketResponse
    shard: int
    shards: int
    wanted: discord.Intents
    bot_id: int
    sequence: "itertools.count[int]" = field(default_factory=lambda: itertools.count(1))
    outgoing: asyncio.Queue[Json] = field(default_factory=asyncio.Queue)

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


class NetworkedDiscord:
    """One application and its bot. ``backend`` is simcord's model: change it to set a scene, read it to check one."""

    def __init__(self, *, shards: int = 1, max_concurrency: int = 1) -> None:
        self.backend = Backend(clock=RealClock())
        self.backend.transcript = cast("list[Any]", _Nothing())  # it would only grow
        self.backend.http_requests = cast("list[Any]", _Nothing())
        self.backend.subscribers.append(self._broadcast)
        self.backend._auto_mod_match = _auto_mod_match  # type: ignore[method-assign]  # noqa: SLF001 - it knows no patterns
        self.shards = shards
        self.max_concurrency = max_concurrency
        self.token = TOKEN
        self.calls: list[Call] = []
        self.faults: list[Fault] = []
        self.sessions: list[Session] = []
        self.closed_to: set[int] = set()  # users with closed direct messages
        self.url = self.gateway_url = ""
        self._nonces: dict[tuple[int, str], int] = {}
        self._changed = asyncio.Event()

    # The server

    @asynccontextmanager
    async def serve(self) -> AsyncIterator["NetworkedDiscord"]:
        """Serve on loopback inside this block; ``url`` and ``gateway_url`` say where."""
        app = web.Application()
        app.router.add_route("*", f"{API}{{path:/.*}}", self._rest)
        app.router.add_get("/gateway", self._gateway)
        app.router.add_get("/gateway/", self._gateway)
        runner = web.AppRunner(app, access_log=None, shutdown_timeout=0.2)
        await runner.setup()
        try:
            await web.TCPSite(runner, "127.0.0.1", 0).start()
            host, port = runner.addresses[0][:2]
            self.url = f"http://{host}:{port}{API}"
            self.gateway_url = f"ws://{host}:{port}/gateway"
            yield self
        finally:
            for session in self.sessions:
                await session.socket.close()
            await runner.cleanup()

    def command(self, *, first: str = "", main: str = "bot.main()") -> list[str]:
        """Return the command that runs the real bot.py as a process on this Discord; ``first`` is run before it."""
        code = (
            "import sys, discord, yarl",
            f"discord.http.Route.BASE = {self.url!r}",
            f"discord.gateway.DiscordWebSocket.DEFAULT_GATEWAY = yarl.URL({self.gateway_url!r})",
            "discord.backoff.ExponentialBackoff.delay = lambda self: 0.05",
            first,
            "sys.argv = ['bot.py']",
            f"import bot; sys.exit({main})",
        )
        return [sys.executable, "-c", "\n".join(code)]

    async def until(self, happened: Callable[[], Any], seconds: float = PATIENCE_SECONDS) -> None:
        """Wait until this holds after a call or a frame."""
        async with asyncio.timeout(seconds):
            while not happened():
                self._changed.clear()
                await asyncio.wait_for(self._changed.wait(), seconds)

    async def connected(self) -> None:
        """Wait until every shard has a session."""
        await self.until(lambda: {session.shard for session in self.sessions} == set(range(self.shards)))

    async def _rest(self, request: web.Request) -> web.StreamResponse:
        method, path = request.method, request.match_info["path"]
        body, files = await _body(request)
        open_to_all = path.startswith(("/interactions/", "/webhooks/"))
        if not open_to_all and request.headers.get("Authorization") != f"Bot {self.token}":
            return _response(401, {"message": "401: Unauthorized", "code": 0})
        fault = self._fault(method, path, body)
        status, answer = 500, cast("Any", {})
        if fault is not None and not fault.after:
            status, answer = fault.status, {"message": "As the test wants it.", "code": fault.code}
            if fault.act is not None:
                fault.act()
        else:
            status, answer = self._carry_out(method, path, body, dict(request.query), files)
            if fault is not None:
                if fault.act is not None:
                    fault.act()
                status = fault.status
        self.calls.append(Call(method, path, body, status))
        self._changed.set()
        if status == 0:
            if request.transport is not None:
                request.transport.abort()
            return web.Response()
        retry = {"Retry-After": "0.05", "Via": "1.1 test"} if status == web.HTTPTooManyRequests.status_code else {}
        if retry:
            answer = {**answer, "retry_after": 0.05, "global": False}
        return _response(status, answer, retry)

    def _carry_out(self, method: str, path: str, body: Any, query: Json, files: list[Any]) -> tuple[int, Any]:  # noqa: ANN401 - JSON
        if path in {"/gateway", "/gateway/bot"}:
            limit = {"total": 1000, "remaining": 1000, "reset_after": 0, "max_concurrency": self.max_concurrency}
            return 200, {"url": self.gateway_url, "shards": self.shards, "session_start_limit": limit}
        try:
            self._refuse(method, path, body)
            if (known := self._known(method, path, body)) is not None:
                return 200, known
            answer = router.dispatch(self.backend, method, path, json=body, params=query, files=files)
        except (router.RouteNotImplemented, router.UnsupportedField) as error:
            return 501, {"message": str(error), "code": 0}
        except BackendError as error:
            return error.status, error.to_json()
        self._remember(method, path, body, answer)
        return (204, None) if answer is None else (200, answer)

    def _refuse(self, method: str, path: str, body: Any) -> None:  # noqa: ANN401 - JSON
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
        del body

    def _known(self, method: str, path: str, body: Any) -> Any:  # noqa: ANN401 - JSON
        """Return the message that an earlier call with this nonce has made."""
        if method != "POST" or not MESSAGE.fullmatch(path) or not (body or {}).get("enforce_nonce"):
            return None
        channel_id = int(path.split("/")[2])
        message_id = self._nonces.get((channel_id, str(body["nonce"])))
        message = self.backend.messages.get(channel_id, {}).get(message_id or 0)
        return None if message is None else dict(serializers.message_payload(self.backend, message))

    def _remember(self, method: str, path: str, body: Any, answer: Any) -> None:  # noqa: ANN401 - JSON
        if method == "POST" and MESSAGE.fullmatch(path) and (body or {}).get("nonce"):
            self._nonces[int(path.split("/")[2]), str(body["nonce"])] = int(answer["id"])

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
        await socket.send_json({"op": HELLO, "d": {"heartbeat_interval": 41250}})
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
                wanted = discord.Intents(**_intents(frame["d"]["intents"]))
                session = Session(socket, shard, shards, wanted, self.backend.bot_user.id)
                sending = asyncio.create_task(_send(session))
                self._begin(session)
            self._changed.set()
        if session is not None:
            self.sessions.remove(session)
        if sending is not None:
            sending.cancel()
        self._changed.set()
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

    # What people do

    def slash(self, user_id: int, channel_id: int, name: str, **options: Any) -> "Interaction":  # noqa: ANN401 - of a command
        """Type a command; a space in its name separates the names of its groups."""
        path = name.split()
        given: list[Json] = [
            {"name": option.replace("_", "-"), "type": _option_type(value), "value": value}
            for option, value in options.items()
        ]
        for inner in reversed(path[1:]):
            given = [{"name": inner, "type": 1 if inner == path[-1] else 2, "options": given}]
        command = self.backend.find_command(path[0], None, type=1)
        assert command is not None, f"there is no command /{path[0]}"
        data = {"id": command["id"], "name": path[0], "type": 1, "options": given, "resolved": self._resolved(options)}
        return self._interact(InteractionType.APPLICATION_COMMAND, user_id, channel_id, data)

    def menu(self, user_id: int, name: str, message: Message) -> "Interaction":
        """Use a message's context menu."""
        command = self.backend.find_command(name, None, type=3)
        assert command is not None, f"there is no context menu {name}"
        shown = dict(serializers.message_payload(self.backend, message))
        resolved = {"messages": {str(message.id): shown}}
        data = {"id": command["id"], "name": name, "type": 3, "target_id": str(message.id), "resolved": resolved}
        return self._interact(InteractionType.APPLICATION_COMMAND, user_id, message.channel_id, data)

    def press(self, user_id: int, message: Message, part: str, values: list[str] | None = None) -> "Interaction":
        """Press the button, or use the select, whose custom_id or label holds this."""
        found = [
            component
            for component in walk_components(message.components)
            if part in (component.get("custom_id") or "") or part == component.get("label")
        ]
        assert found, f"nothing there is called {part}"
        kind = found[0]["type"]
        data: Json = {"component_type": kind, "custom_id": found[0]["custom_id"]}
        if values is not None:
            data["values"] = values
        return self._interact(InteractionType.MESSAGE_COMPONENT, user_id, message.channel_id, data, message=message)

    def forge(self, user_id: int, channel_id: int, custom_id: str, message: Message) -> "Interaction":
        """Press a button by its custom_id alone."""
        data: Json = {"component_type": 2, "custom_id": custom_id}
        return self._interact(InteractionType.MESSAGE_COMPONENT, user_id, channel_id, data, message=message)

    def submit(self, user_id: int, shown: "Interaction", **values: str | list[str]) -> "Interaction":
        """Fill in the modal that an interaction has opened, and send it."""
        modal = shown.record.modal
        assert modal is not None, f"no modal was opened, but: {shown.text}"
        components = []
        for component in walk_components(modal["components"]):
            name = component.get("custom_id")
            if name in values:
                value = values[name]
                given = {"value": value} if isinstance(value, str) else {"values": value}
                components.append({"type": 18, "component": {"type": component["type"], "custom_id": name, **given}})
        chosen = [value for given in values.values() if isinstance(given, list) for value in given]
        data = {"custom_id": modal["custom_id"], "components": components, "resolved": self._members(chosen, shown)}
        record = shown.record
        source = None
        if record.source_message_id is not None:
            source = self.backend.messages[record.channel_id].get(record.source_message_id)
        return self._interact(InteractionType.MODAL_SUBMIT, user_id, record.channel_id, data, message=source)

    def options(self, message: Message, part: str) -> list[str]:
        """Return the values of the select whose custom_id holds this."""
        (select,) = (found for found in walk_components(message.components) if part in (found.get("custom_id") or ""))
        return [option["value"] for option in select["options"]]

    def say(self, user_id: int, channel_id: int, text: str) -> Message | None:
        """Write a message as a user; None if AutoMod has stopped it."""
        message = self.backend.create_message(channel_id, user_id, text)
        return message if message.id in self.backend.messages[channel_id] else None

    def _interact(
        self, kind: InteractionType, user_id: int, channel_id: int, data: Json, *, message: Message | None = None
    ) -> "Interaction":
        channel = self.backend.get_channel(channel_id)
        record, payload = base_payload(
            self.backend,
            type=kind,
            channel_id=channel_id,
            guild_id=channel.guild_id,
            user_id=user_id,
            data=data,
        )
        if message is not None:
            record.source_message_id = message.id
            payload["message"] = dict(serializers.message_payload(self.backend, message))
        self.backend.emit("INTERACTION_CREATE", payload)
        return Interaction(self, record)

    def _resolved(self, options: Json) -> Json:
        roles = {}
        for value in options.values():
            for guild in self.backend.guilds.values():
                if isinstance(value, str) and value.isdecimal() and int(value) in guild.roles:
                    roles[value] = serializers.role_payload(guild.roles[int(value)])
        return {"roles": roles}

    def _members(self, chosen: list[str], shown: "Interaction") -> Json:
        guild = self.backend.guilds.get(shown.record.guild_id or 0)
        users, members = {}, {}
        for value in chosen:
            if guild is not None and value.isdecimal() and int(value) in guild.members:
                member = dict(serializers.member_payload(self.backend, guild, guild.members[int(value)]))
                member["permissions"] = str(self.backend.compute_permissions(guild.id, int(value)))
                users[value], members[value] = member.pop("user"), member
        return {"users": users, "members": members}


@dataclass(slots=True)
class Interaction:
    """What a user did, and what they have seen of the reply."""

    discord: NetworkedDiscord
    record: Any

    @property
    def message(self) -> Message | None:
        """The reply's message, if there is one."""
        message_id = self.record.message_id or (self.record.followup_ids or [None])[-1]
        return self.discord.backend.messages.get(self.record.channel_id, {}).get(message_id or 0)

    @property
    def text(self) -> str:
        """What the latest message of the reply says."""
        ids = [self.record.message_id, *self.record.followup_ids]
        stored = self.discord.backend.messages.get(self.record.channel_id, {})
        shown = [stored[number] for number in ids if number in stored]
        return shown[-1].content if shown else ""

    @property
    def loading(self) -> bool:
        """Whether the user still reads "thinking…"."""
        return bool(self.record.loading)

    async def done(self, seconds: float = PATIENCE_SECONDS) -> "Interaction":
        """Wait for the reply: a message, or a modal."""
        await self.discord.until(
            lambda: self.record.responded and not self.record.loading and (self.record.modal or self.message), seconds
        )
        return self


class _Nothing(list[Any]):
    def append(self, _item: object) -> None:  # a record that nobody reads
        pass


def _auto_mod_match(rule: AutoModRule, content: str) -> str | None:
    patterns = rule.trigger_metadata.get("regex_patterns") or []
    return next((found[0] for pattern in patterns if (found := re.search(pattern, content))), None)


def _intents(value: int) -> dict[str, bool]:
    return {name: bool(value & bit) for name, bit in discord.Intents.VALID_FLAGS.items()}


def _option_type(value: object) -> int:
    if isinstance(value, int):
        return 4
    return 8 if isinstance(value, str) and value.isdecimal() and len(value) >= 17 else 3


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


def _response(status: int, answer: object, headers: Mapping[str, str] | None = None) -> web.Response:
    if answer is None:
        return web.Response(status=status, headers=headers)
    body = json.dumps(answer).encode()  # discord.py wants the type without a charset, as Discord sends it
    return web.Response(status=status, body=body, headers={"Content-Type": "application/json", **(headers or {})})
