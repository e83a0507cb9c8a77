"""The networked Discord in a storm: events that arrive twice or late, and a witness of every reply."""

import asyncio
import re
import time
from collections import Counter, defaultdict, deque
from collections.abc import Mapping
from typing import Any, Final, NamedTuple, cast

from doubles.discord_people import Interaction
from doubles.networked_discord import Call, NetworkedDiscord, Session
from storms.plan import SHARDS

LATE_SECONDS: Final = 0.4
MESSAGE, UPDATE, MODAL = 4, 7, 9  # kinds of interaction callbacks
_OF_A_REPLY: Final = re.compile(r"/(?:interactions/\d+|webhooks/\d+)/([^/]+)(/.*)?")
_OF_A_CHANNEL: Final = re.compile(r"/channels/(\d+)(.*)")
LAST_CALLS: Final = 8  # to each channel
_OK: Final = 300
_NOT_FOUND: Final = 404


class Delivery(NamedTuple):
    """An interaction that went to a process; ``at`` is of time.monotonic()."""

    session: Session
    at: float


class StormyDiscord(NetworkedDiscord):
    """``how`` is how the next interaction arrives: once, twice or late."""

    def __init__(self) -> None:
        super().__init__(shards=SHARDS)
        self.calls = cast("list[Call]", Calls())
        self.how = "once"
        self.made: list[Interaction] = []
        self.delivered: dict[str, list[Delivery]] = defaultdict(list)  # by the interaction's ID
        self._late: set[int] = set()
        self.too_late: set[str] = set()  # tokens of interactions whose first response came after three seconds
        self.faulty: set[str] = set()  # tokens of interactions one of whose calls was made to fail
        self.said: dict[str, list[str]] = defaultdict(list)  # what each interaction's user has read, by its token

    def token_of(self, path: str) -> str:
        """Return the token of the interaction that a call is of, or an empty string."""
        found = _OF_A_REPLY.match(path)
        return "" if found is None else found[1]

    def is_live(self, channel_id: int) -> bool:
        """Return whether the shard that a channel's events go to is connected."""
        guild_id = self.backend.get_channel(channel_id).guild_id
        shard = (0 if guild_id is None else guild_id >> 22) % self.shards
        return any(session.shard == shard for session in self.sessions)

    def under_way(self, shown: Interaction) -> bool:
        """Return whether an interaction is late and has not arrived yet."""
        return shown.record.id in self._late

    def _interact(self, *given: Any, **more: Any) -> Interaction:  # noqa: ANN401 - passed on
        shown = super()._interact(*given, **more)
        self.made.append(shown)
        return shown

    def _broadcast(self, event: str, payload: Mapping[str, Any]) -> None:
        if event != "INTERACTION_CREATE":
            super()._broadcast(event, payload)
            return
        how, self.how = self.how, "once"
        if how == "late":
            self._late.add(int(payload["id"]))
            asyncio.get_running_loop().call_later(LATE_SECONDS, self._deliver, payload)
            return
        for _ in range(2 if how == "twice" else 1):
            self._deliver(payload)

    def _deliver(self, payload: Mapping[str, Any]) -> None:
        self._late.discard(int(payload["id"]))
        for session in self.sessions:
            if session.takes("INTERACTION_CREATE", payload):
                session.send("INTERACTION_CREATE", payload)
                self.delivered[str(payload["id"])].append(Delivery(session, time.monotonic()))
        self.changed.set()

    def _carry_out(self, method: str, path: str, body: Any, query: dict[str, Any], files: list[Any]) -> tuple[int, Any]:  # noqa: ANN401 - JSON
        status, answer = super()._carry_out(method, path, body, query, files)
        if status < _OK and (token := self.token_of(path)):
            self._witness(token, method, path, body or {})
        elif status == _NOT_FOUND and path.endswith("/callback"):
            self.too_late.add(self.token_of(path))
        return status, answer

    def _witness(self, token: str, method: str, path: str, body: dict[str, Any]) -> None:
        if path.endswith("/callback"):
            if body.get("type") not in {MESSAGE, UPDATE, MODAL}:
                return
            body = body.get("data", {})
        said = str(body.get("content") or body.get("title") or body.get("components") or "")[:200]
        self.said[token].append(said if method != "POST" or path.endswith("/callback") else f"+{said}")


class Calls(list[Call]):
    """How many calls had which status, and the last to each channel; all bodies would fill the memory."""

    def __init__(self) -> None:
        super().__init__()
        self.counts: Counter[str] = Counter()
        self.last: dict[int, deque[str]] = defaultdict(lambda: deque(maxlen=LAST_CALLS))

    def append(self, call: Call) -> None:
        """Count a call."""
        self.counts[str(call.status)] += 1
        if (found := _OF_A_CHANNEL.match(call.path)) is not None and call.method != "GET":
            archived = {"archived": call.body["archived"]} if "archived" in (call.body or {}) else ""
            self.last[int(found[1])].append(
                f"{time.monotonic():.2f} {call.agent}: {call.method} {found[2]} {archived} {call.status}"
            )
