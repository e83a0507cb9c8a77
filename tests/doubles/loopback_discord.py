"""A Discord on loopback: the parts of REST API v10 and gateway v10 that the bot's process needs.

It responds as Discord documents it, errors included: an unknown token, an unknown interaction (10062), a second
response to an interaction (40060), a lost session. Its gateway sends plain text, which discord.py reads whatever
compression it asked for.
"""

import asyncio
import json
import time
from collections import deque
from collections.abc import AsyncIterator, Awaitable, Callable
from contextlib import asynccontextmanager
from functools import partial
from typing import Any, Final, NamedTuple

from aiohttp import web
from doubles import loopback
from doubles import loopback_payloads as payloads
from doubles.loopback import API, AT_MOST, GREETING, Loopback, error, response
from doubles.loopback_payloads import Json

REMEMBERED: Final = 5000  # events of a session, to replay when it is resumed
MESSAGE, LOADING, UPDATE = 4, 5, 7  # kinds of interaction callbacks

Handler = Callable[[web.Request], Awaitable[web.StreamResponse]]


class Call(NamedTuple):
    """One REST request, the ``time.monotonic()`` of its arrival, and the status of its response."""

    method: str
    path: str
    query: dict[str, str]
    body: Any
    status: int
    at: float


class LoopbackDiscord(Loopback):
    """One application with its bot in one guild, or in several.

    ``calls`` holds every request, ``frames`` everything the bot sent over the gateway. Whatever is sent takes
    ``seconds_away`` to arrive.
    """

    def __init__(self, *, guilds: int = 1) -> None:
        super().__init__()
        self._guilds = guilds
        self.seconds_away = 0.0
        self.calls: list[Call] = []
        self.frames: list[Json] = []
        self._faults: list[tuple[str, str, partial[web.Response]]] = []
        self._acknowledged: dict[str, bool] = {}  # by the interaction's token
        self._answers: dict[str, list[Call]] = {}  # the calls for each interaction
        self._session = ""
        self._sequence = 0
        self._dispatched: deque[Json] = deque(maxlen=REMEMBERED)  # in this session
        self._socket: web.WebSocketResponse | None = None

    @asynccontextmanager
    async def serve(self) -> AsyncIterator["LoopbackDiscord"]:
        """Serve on loopback inside this block; ``url`` and ``gateway_url`` say where."""
        app = web.Application(middlewares=[self._front])
        webhook = f"{API}/webhooks/{{application}}/{{token}}"
        for method, path, handler in (
            ("GET", "/gateway", self._gateway),
            ("GET", f"{API}/{{what:users/@me|oauth2/applications/@me|gateway|gateway/bot}}", self._look_up),
            ("PUT", f"{API}/applications/{{application}}/commands", self._commands),
            ("PUT", f"{API}/applications/{{application}}/guilds/{{guild}}/commands", self._commands),
            ("POST", f"{API}/interactions/{{id}}/{{token}}/callback", self._callback),
            ("POST", webhook, self._message),
            ("*", f"{webhook}/messages/{{message}}", self._message),
        ):
            app.router.add_route(method, path, handler)
        async with self.serving(app):
            yield self

    def answer_next(
        self, method: str, part: str, status: int, *, times: int = 1, headers: Json | None = None, **body: object
    ) -> None:
        """Respond with this status, such as 404 and ``code=10062``, to the next requests with ``part`` in the path."""
        payload = {"message": "As the test wants it.", "code": 0, **body}
        fault = partial(response, payload, status=status, headers=headers)
        self._faults += [(method, part, fault)] * times

    @property
    def has_session(self) -> bool:
        """Whether the bot is connected."""
        return self._socket is not None

    def opcodes(self) -> list[int]:
        """Return what the bot sent over the gateway, without its heartbeats."""
        return [frame["op"] for frame in self.frames if frame["op"] != loopback.HEARTBEAT]

    async def connected(self) -> None:
        """Wait until the bot has a session on the gateway."""
        await self.until(lambda: self._socket is not None)

    async def mydownloads(self, order_id: str, *, person: int = 0, guild: int = 0, locale: str = "en-US") -> str:
        """Type /mydownloads as a customer; return the interaction's token."""
        options = [{"type": 3, "name": "order-id", "value": order_id}]
        data = {"id": payloads.snowflake(), "name": "mydownloads", "type": 1, "options": options}
        return await self.interact({"type": 2, "data": data}, person=person, guild=guild, locale=locale)

    async def press(self, custom_id: str, on: Json, *, person: int = 0, guild: int = 0, locale: str = "en-US") -> str:
        """Press a button under a message that was sent; return the interaction's token."""
        data = {"component_type": 2, "custom_id": custom_id}
        pressed = {"type": 3, "data": data, "message": payloads.message(on)}
        return await self.interact(pressed, person=person, guild=guild, locale=locale)

    async def interact(self, what: Json, *, person: int = 0, guild: int = 0, locale: str = "en-US") -> str:
        """Send an INTERACTION_CREATE; return its token."""
        interaction = payloads.interaction({**payloads.whereabouts(person, guild), "locale": locale, **what})
        self._acknowledged[interaction["token"]] = False
        await self.dispatch("INTERACTION_CREATE", interaction)
        return str(interaction["token"])

    async def answer_to(self, token: str) -> Json:
        """Wait for the message that the customer sees in the end, and return it."""
        await self.until(lambda: bool(self._messages(token)))
        return self._messages(token)[-1]

    def calls_for(self, token: str) -> list[Call]:
        """Return every request made for an interaction."""
        return self._answers.get(token, [])

    def forget(self, token: str) -> None:
        """Drop the records of an interaction and of all calls, so that a long load test does not fill the memory."""
        self._acknowledged.pop(token, None)
        self._answers.pop(token, None)
        self.calls.clear()

    def forget_all(self) -> None:
        """Drop the records of every interaction and call."""
        self._acknowledged.clear()
        self._answers.clear()
        self.calls.clear()

    async def dispatch(self, event: str, data: Json) -> None:
        """Send an event now, or when the bot resumes its session."""
        self._sequence += 1
        self._dispatched.append({"op": 0, "t": event, "s": self._sequence, "d": data})
        await self._travel()
        if self._socket is not None:
            await self._socket.send_json(self._dispatched[-1])

    async def ask_to_reconnect(self) -> None:
        """Send RECONNECT."""
        await self._hang_up().send_json({"op": loopback.RECONNECT, "d": None})

    async def invalidate_session(self) -> None:
        """Drop the session, and send INVALID_SESSION."""
        self._session = ""
        await self._hang_up().send_json({"op": loopback.INVALID_SESSION, "d": False})

    async def close_gateway(self, code: int) -> None:
        """Close the socket with this code."""
        await self._hang_up().close(code=code)

    def _hang_up(self) -> web.WebSocketResponse:
        assert self._socket is not None
        socket, self._socket = self._socket, None
        return socket

    def _messages(self, token: str) -> list[Json]:
        calls = [call for call in self.calls_for(token) if call.status < web.HTTPBadRequest.status_code]
        first = [call.body for call in calls if "/callback" in call.path]
        sent = [body["data"] for body in first if body["type"] in {MESSAGE, UPDATE}]
        return sent + [call.body for call in calls if "/webhooks/" in call.path and call.body is not None]

    @web.middleware
    async def _front(self, request: web.Request, handler: Handler) -> web.StreamResponse:
        """Record every request; fail those that answer_next() names, and those without a valid token."""
        await self._travel()
        at = time.monotonic()
        fault = next((fault for fault in self._faults if fault[0] == request.method and fault[1] in request.path), None)
        if fault is not None:
            self._faults.remove(fault)
        body = await request.json() if request.can_read_body else None
        open_to_all = request.path.startswith(("/gateway", f"{API}/interactions/", f"{API}/webhooks/"))
        answer: web.StreamResponse
        if fault is not None:
            answer = fault[2]()
        elif not open_to_all and request.headers.get("Authorization") != f"Bot {self.token}":
            answer = error(401, 0, "401: Unauthorized")
        else:
            answer = await handler(request)
        call = Call(request.method, request.path, dict(request.query), body, answer.status, at)
        self.calls.append(call)
        if "token" in request.match_info:
            self._answers.setdefault(request.match_info["token"], []).append(call)
        self.changed.set()
        await self._travel()
        return answer

    async def _travel(self) -> None:
        if self.seconds_away:
            await asyncio.sleep(self.seconds_away)

    async def _look_up(self, request: web.Request) -> web.Response:
        gateway: Json = {"url": self.gateway_url, "shards": 1, "session_start_limit": AT_MOST}
        known = {"users": payloads.BOT, "oauth2": payloads.application(), "gateway": gateway}
        return response(known[request.match_info["what"].split("/")[0]])

    async def _commands(self, request: web.Request) -> web.Response:
        return response(payloads.commands(await request.json(), request.match_info.get("guild")))

    async def _callback(self, request: web.Request) -> web.Response:
        token, body = request.match_info["token"], await request.json()
        if token not in self._acknowledged:
            return error(404, 10062, "Unknown interaction")
        if self._acknowledged[token]:
            return error(400, 40060, "Interaction has already been acknowledged.")
        self._acknowledged[token] = True
        about = {"id": request.match_info["id"], "type": 2, "response_message_loading": body["type"] == LOADING}
        message = {"resource": {"type": MESSAGE, "message": payloads.message(body.get("data", {}))}}
        return response({"interaction": about, **(message if body["type"] == MESSAGE else {})})

    async def _message(self, request: web.Request) -> web.Response:
        token = request.match_info["token"]
        if not self._acknowledged.get(token):
            return error(404, 10015, "Unknown Webhook")
        return response(payloads.message(await request.json() if request.body_exists else self._messages(token)[-1]))

    async def _gateway(self, request: web.Request) -> web.WebSocketResponse:
        socket = web.WebSocketResponse()
        await socket.prepare(request)
        await socket.send_json(GREETING)
        async for received in socket:
            frame = json.loads(received.data)
            self.frames.append(frame)
            match frame:
                case {"op": loopback.HEARTBEAT}:
                    await socket.send_json({"op": loopback.ACK})
                case {"d": {"token": token}} if token != self.token:
                    await socket.close(code=4004)
                case {"op": loopback.IDENTIFY}:
                    await self._begin(socket)
                case {"op": loopback.RESUME, "d": {"session_id": session, "seq": seq}} if session == self._session:
                    self._socket = socket
                    for missed in [event for event in self._dispatched if event["s"] > seq]:
                        await socket.send_json(missed)
                    await self.dispatch("RESUMED", {})
                case {"op": loopback.RESUME}:
                    await socket.send_json({"op": loopback.INVALID_SESSION, "d": False})
            self.changed.set()
        self._socket = None if self._socket is socket else self._socket
        return socket

    async def _begin(self, socket: web.WebSocketResponse) -> None:
        self._session, self._socket = payloads.snowflake(), socket
        self._dispatched.clear()
        await self.dispatch("READY", payloads.ready(self._session, self.gateway_url, self._guilds))
        for number in range(self._guilds):
            await self.dispatch("GUILD_CREATE", payloads.guild(number))
