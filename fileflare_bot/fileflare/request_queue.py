"""The line in which lookups wait for their turn to ask Fileflare: fair, and bounded by how long a reply can wait.

All lookups leave from one IP address, so one guild's rush must not use up the others' share: the guild served least
recently goes first, and within it the user served least recently. A guild that has used up its lookups a minute goes
after the others. Its moderators and owners go before its customers, so that a rush does not keep them from helping.

Who would wait longer than a reply can be edited gets a reserved place: a time from which on they go first.
"""

import asyncio
from bisect import bisect_left, insort
from collections.abc import AsyncIterator, Callable, Iterator, Mapping
from contextlib import asynccontextmanager, contextmanager
from dataclasses import dataclass, field
from enum import IntEnum
from itertools import count
from operator import attrgetter
from typing import Final

from cachetools import LRUCache

from fileflare_bot.fileflare.errors import AskedAgain, FileflareBusy, LineClosed, PlaceReserved, QueueFull
from fileflare_bot.fileflare.found import Found
from fileflare_bot.fileflare.pace import Pace
from fileflare_bot.fileflare.reserved_places import ReservedPlaces

LONGEST_WAIT: Final = 14 * 60.0  # seconds; Discord lets a reply be edited for 15 minutes
OVERTIME: Final = 1.03  # times the longest wait, for those who were overtaken
MOST_AT_ONCE: Final = 100  # concurrent requests
AT_ONCE_SECONDS: Final = 8.0  # of the pace may be under way at once
MOST_REMEMBERED: Final = 10_000  # guilds and users whose last turn is remembered


@dataclass(frozen=True, slots=True)
class Requester:
    """Who a request is for. Without a guild the user counts as a guild of their own.

    ``staff`` are moderators and owners at their work.
    """

    user_id: int
    guild_id: int | None = None
    staff: bool = False

    @property
    def share(self) -> int:
        """The ID that shares turns fairly: the guild's, or the user's without a guild."""
        return self.user_id if self.guild_id is None else self.guild_id


class _Rank(IntEnum):
    """Who goes first within a share."""

    RETURNING = 0  # had their turn, but Fileflare wanted a pause or did not answer
    STAFF = 1
    RESERVED = 2
    CUSTOMER = 3


@dataclass(slots=True, eq=False)
class Place:
    """A place in the line."""

    requester: Requester
    joined_at: float
    order: tuple[int, int, int]  # within its share: its rank, the user's last turn, its number
    queue: "RequestQueue" = field(repr=False)
    turn: asyncio.Future[Found | None] = field(repr=False)

    @property
    def wait(self) -> float:
        """Roughly the seconds until its turn; guilds that come later may overtake."""
        return self.queue.wait_of(self)

    async def come(self, patience: float, *, since: float | None = None) -> Found | None:
        """Wait so many seconds for the turn, counted from a moment of the loop's clock, which is now by default.

        Return None, or the order if somebody else's turn has brought it.

        Raises:
            QueueFull: the turn did not come in time.
            LeftLine: the user has given it up.
            AskedAgain: it belongs to a newer reply of the same user.
            PlaceReserved: the line grew, or the turn did not come for as long as a reply can wait.
            LineClosed: the bot stops.
            OrderNotFound: somebody else's turn has shown that there is no such order.
        """
        try:
            longest = self.queue.longest_wait * OVERTIME if patience >= self.queue.longest_wait else patience
            async with asyncio.timeout_at((_now() if since is None else since) + longest):
                return await self.turn
        except TimeoutError:
            self._leave()
            raise self.queue.too_late(self, patience) from None
        except asyncio.CancelledError:
            self._leave()
            raise

    def give(self, found: Found) -> None:
        """Give it the order that somebody else's turn has brought."""
        if self.queue.remove(self):
            self.turn.set_result(found)

    def lose(self, error: Exception) -> None:
        """End it with the reason, if its turn has not come yet."""
        if self.queue.remove(self):
            self.turn.set_exception(error)

    def _leave(self) -> None:
        """Give it up; a turn that came at this moment goes to the next."""
        self.queue.remove(self)
        if not self.turn.cancelled() and self.turn.exception() is None and self.turn.result() is None:
            self.queue.give_back()


_ORDER: Final = attrgetter("order")


class RequestQueue:
    """Gives out turns, as the pace allows; ``per_guild`` is how many lookups a minute put a guild after the others.

    ``away`` returns the seconds until Fileflare may be asked again in an outage, or None if there is none.
    """

    def __init__(
        self,
        pace: Pace,
        *,
        at_once: int | None = None,
        longest_wait: float = LONGEST_WAIT,
        longest_queue: int | None = None,
        per_guild: int | None = None,
        reserved: ReservedPlaces | None = None,
        away: Callable[[], float | None] = lambda: None,
    ) -> None:
        self.pace = pace
        self.longest_wait = longest_wait
        self.away = away
        self._at_once = at_once
        self._longest_queue = longest_queue
        self._per_guild = per_guild
        self._reserved = reserved or ReservedPlaces()
        self._shares: dict[int, list[Place]] = {}
        self._guilds: LRUCache[int, Pace] = LRUCache(MOST_REMEMBERED)
        self._last_of_share: LRUCache[int, int] = LRUCache(MOST_REMEMBERED)
        self._last_of_user: LRUCache[int, int] = LRUCache(MOST_REMEMBERED)
        self._numbers = count(1)
        self._under_way = 0
        self._finished = asyncio.Event()
        self._serving: asyncio.Task[None] | None = None
        self._closed = False

    @property
    def waiting(self) -> int:
        """How many places the line has."""
        return sum(map(len, self._shares.values()))

    @property
    def longest(self) -> float:
        """For how many seconds the one who waits longest has waited."""
        joined = [place.joined_at for places in self._shares.values() for place in places]
        return _now() - min(joined) if joined else 0.0

    @property
    def served(self) -> int:
        """How many requests left in the last minute."""
        return self.pace.served(_now())

    @property
    def pause(self) -> float:
        """The seconds until the next attempt if Fileflare wants a pause or is away, else 0."""
        return max(self.pace.pause(_now()), self.away() or 0.0)

    def learn(self, status: int, headers: Mapping[str, str]) -> None:
        """Learn from a response how fast Fileflare may be asked."""
        self.pace.learn(status, headers, _now(), busy=bool(self._shares))

    def try_turn(self, requester: Requester) -> bool:
        """Take a turn if nobody waits and a request may leave now; finish() must follow."""
        if self._shares or self._under_way >= self._most_under_way() or self._delay() > 0:
            return False
        self._reserved.drop(requester.user_id)
        self._take(requester)
        return True

    def another_request(self) -> None:
        """Count a further request in the same turn."""
        self.pace.sent(_now())

    def give_back(self) -> None:
        """End a turn that was not used; the next place has it."""
        self.pace.take_back()
        self.finish()

    def finish(self) -> None:
        """End a turn."""
        self._under_way -= 1
        self._finished.set()

    @asynccontextmanager
    async def turn(self, requester: Requester, *, returning: bool = False, patience: float) -> AsyncIterator[None]:
        """Make one request inside this block, after at most ``patience`` seconds in the line.

        Raises:
            FileflareBusy: Fileflare wants a longer pause than that.
            QueueFull: the line is longer than that.
        """
        if not self.try_turn(requester):
            await self.join(requester, returning=returning, patience=patience).come(patience)
        with self.given_turn():
            yield

    @contextmanager
    def given_turn(self) -> Iterator[None]:
        """Use inside this block a turn that has come."""
        try:
            yield
        finally:
            self.finish()

    def join(self, requester: Requester, *, returning: bool = False, patience: float) -> Place:
        """Return a place in the line; ``returning`` goes first in its guild. ``patience`` is in seconds.

        Raises:
            FileflareBusy: Fileflare wants a pause that is longer than the patience.
            QueueFull: the line is longer than the patience.
            PlaceReserved: the line is longer than a reply can wait, or the user has a reserved place for later.
            LineClosed: the bot stops.
        """
        if self._closed:
            raise LineClosed
        rank = self._rank(requester, returning=returning)
        order = (rank, self._last_of_user.get(requester.user_id, 0), next(self._numbers))
        place = Place(requester, _now(), order, self, asyncio.get_running_loop().create_future())
        wait = self.wait_of(place)
        if patience < self.longest_wait and wait > patience:
            raise FileflareBusy(self.pause) if self.pause > patience else QueueFull(wait)
        if rank in {_Rank.RESERVED, _Rank.CUSTOMER}:
            self._check_reservation(requester, wait)
        if rank is _Rank.CUSTOMER and wait > self.longest_wait:
            raise self._reserve(place)
        self._make_room(place)
        insort(self._shares.setdefault(requester.share, []), place, key=_ORDER)
        if self._serving is None or self._serving.done():
            self._serving = asyncio.create_task(self._serve(), name="fileflare-queue")
        return place

    def move(self, place: Place) -> Place:
        """Return the same place for a newer reply of its user; the older one is told."""
        newer = Place(place.requester, place.joined_at, place.order, self, asyncio.get_running_loop().create_future())
        places = self._shares[place.requester.share]
        places[places.index(place)] = newer
        place.turn.set_exception(AskedAgain())
        return newer

    def wait_of(self, place: Place) -> float:
        """Return roughly the seconds until a place's turn, also if it is not in the line yet."""
        share = place.requester.share
        before = bisect_left(self._shares.get(share, ()), place.order, key=_ORDER)
        others = (min(len(places), before + 1) for other, places in self._shares.items() if other != share)
        apart = 60 / self.pace.per_minute
        wait = self._delay() + (before + sum(others)) * apart
        if place.order[0] == _Rank.CUSTOMER:
            wait += self._reserved.due(share, _now(), _now() + wait) * apart
        return wait

    def too_late(self, place: Place, patience: float) -> QueueFull | PlaceReserved:
        """Return what somebody is told who has waited in vain; after the longest wait they go first at once."""
        if patience < self.longest_wait:
            return QueueFull(self.wait_of(place))
        self._reserved.reserve(place.requester.user_id, place.requester.share, _now())
        return PlaceReserved(1.0)

    def remove(self, place: Place) -> bool:
        """Take a place out of the line; return False if nobody waits there any more."""
        places = self._shares.get(place.requester.share, [])
        at = bisect_left(places, place.order, key=_ORDER)
        if at == len(places) or places[at] is not place:
            return False
        self._drop(place)
        return not place.turn.done()

    def open(self) -> None:
        """Let people join, also after close()."""
        self._closed = False

    def close(self) -> None:
        """End all places, because the bot stops; nobody can join until open()."""
        self._closed = True
        for places in [*self._shares.values()]:
            for place in [*places]:
                place.lose(LineClosed())

    async def _serve(self) -> None:
        """Give out turns until the line is empty."""
        while self._shares:
            delay = self._delay()
            if self._under_way >= self._most_under_way():
                self._finished.clear()
                await self._finished.wait()
            elif delay > 0:
                await asyncio.sleep(delay)
            else:
                place = self._next()
                if not place.turn.done():
                    self._take(place.requester)
                    place.turn.set_result(None)

    def _next(self) -> Place:
        def goes_first(share: int) -> tuple[bool, int]:
            customers_only = self._shares[share][0].order[0] > _Rank.STAFF
            return customers_only and self._is_over_its_limit(share), self._last_of_share.get(share, 0)

        place = self._shares[min(self._shares, key=goes_first)][0]
        self._drop(place)
        return place

    def _take(self, requester: Requester) -> None:
        """Count a turn, and put its guild and its user behind the others."""
        now = _now()
        self._under_way += 1
        self.pace.sent(now)
        if self._per_guild is not None and requester.guild_id is not None:
            if requester.guild_id not in self._guilds:
                self._guilds[requester.guild_id] = Pace(self._per_guild, burst=self._per_guild)
            self._guilds[requester.guild_id].sent(now)
        turn = self._last_of_share[requester.share] = self._last_of_user[requester.user_id] = next(self._numbers)
        places = self._shares.get(requester.share, [])
        for place in [place for place in places if place.requester.user_id == requester.user_id]:
            places.remove(place)
            place.order = (place.order[0], turn, place.order[2])
            insort(places, place, key=_ORDER)

    def _is_over_its_limit(self, share: int) -> bool:
        pace = self._guilds.get(share)
        return pace is not None and pace.wait(_now()) > 0

    def _most_under_way(self) -> int:
        if self.pace.checking or self.away() is not None:
            return 1
        return self._at_once or min(MOST_AT_ONCE, max(2, round(self.pace.per_minute * AT_ONCE_SECONDS / 60)))

    def _delay(self) -> float:
        return max(self.pace.wait(_now()), self.away() or 0.0)

    def _rank(self, requester: Requester, *, returning: bool) -> _Rank:
        if returning:
            return _Rank.RETURNING
        if requester.staff:
            return _Rank.STAFF
        at = self._reserved.time_of(requester.user_id, _now())
        return _Rank.CUSTOMER if at is None or at > _now() else _Rank.RESERVED

    def _check_reservation(self, requester: Requester, wait: float) -> None:
        """Use up a reservation, unless it is for later and the line has not become much shorter meanwhile."""
        at = self._reserved.time_of(requester.user_id, _now())
        left = 0.0 if at is None else at - _now()
        if left > 0 and wait > left / 2:
            raise PlaceReserved(left)
        self._reserved.drop(requester.user_id)

    def _reserve(self, place: Place) -> PlaceReserved:
        requester, apart = place.requester, 60 / self.pace.per_minute
        earliest = _now() + self._delay() + self.waiting * apart
        at = self._reserved.reserve_next(requester.user_id, requester.share, earliest, apart)
        return PlaceReserved(at - _now())

    def _make_room(self, place: Place) -> None:
        """Turn away the last customer of the guild that fills the line; that can be the newcomer."""
        most = self._longest_queue or max(1, int(self.longest_wait * self.pace.per_minute / 60))
        if self.waiting < most:
            return
        for gone in [each for places in self._shares.values() for each in places if each.turn.done()]:
            self._drop(gone)
        if self.waiting < most:
            return
        longest = max(self._shares.values(), key=len)
        own = len(self._shares.get(place.requester.share, ())) + 1
        last = place if own >= len(longest) and place.order[0] == _Rank.CUSTOMER else longest[-1]
        if last is place:
            raise self._reserve(place)
        if last.order[0] == _Rank.CUSTOMER:
            last.lose(self._reserve(last))

    def _drop(self, place: Place) -> None:
        places = self._shares[place.requester.share]
        places.remove(place)
        if not places:
            del self._shares[place.requester.share]


def _now() -> float:
    return asyncio.get_running_loop().time()
