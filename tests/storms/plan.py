"""What happens in a storm, decided by its seed alone: who does what, and what strikes when."""

import random
from collections.abc import Iterator
from dataclasses import dataclass, field
from typing import Final, NamedTuple

from doubles.faults import FAULTS

SHARDS: Final = 4
GUILDS: Final = 6
LOOKUPS_OF_ONE: Final = 4  # lookups of one customer
CONTESTED: Final = 6  # of so many customers, two share one order
MARK: Final = "5ec2e75ec2e75ec2"  # begins the ID of every order, so a search for it finds all
OWN_WORDS: Final = "ownwords"  # begins what customers and moderators write

PROCESSES: Final = ("kill", "end", "kill the standby")
DATABASES: Final = ("kill a backend", "end the backends", "restart the server")
CALLS: Final = ("before", "after", "slow", "429")  # how calls to Discord fail
STATUSES: Final = (0, 500, 502, 503)
FILEFLARE: Final = (
    *("busy_seconds", "server_error", "bad_gateway", "unavailable", "silent", "empty_body", "not_json", "reset"),
    *("truncated", "wrong_types", "slow_body", "gateway_timeout"),
)
assert {*FILEFLARE} <= {*FAULTS}


class Size(NamedTuple):
    """How much happens in a storm."""

    lookups: int
    tickets: int

    @property
    def steps(self) -> int:
        """About how many presses and commands that makes."""
        return self.lookups + self.tickets * 12


class Blow(NamedTuple):
    """What strikes once so many steps are done; ``draw`` chooses whom, in [0, 1)."""

    at: int
    kind: str
    draw: float


class CallFault(NamedTuple):
    """How a call to Discord fails: one whose path holds ``part``."""

    method: str
    part: str
    how: str
    status: int
    seconds: float


class Customer(NamedTuple):
    """Somebody who looks up an order several times. ``how`` their events arrive: once, twice or late."""

    number: int
    guild: int
    order: int
    has_role: bool
    doings: tuple[str, ...]
    how: tuple[str, ...]


class Case(NamedTuple):
    """A ticket from its first press to its resolution."""

    number: int
    guild: int
    closed: bool  # to direct messages
    writes_back: bool
    solves: bool  # the customer says that it is solved; else a moderator resolves it
    leaks: bool  # the customer's words hold their order's link
    how: tuple[str, ...]


@dataclass(frozen=True, slots=True)
class Plan:
    """A storm."""

    seed: int
    size: Size
    customers: tuple[Customer, ...]
    cases: tuple[Case, ...]
    changes: tuple[int, ...]  # how often the owner of each guild changes the settings
    processes: tuple[Blow, ...]
    database: tuple[Blow, ...]
    gateway: tuple[Blow, ...]
    calls: tuple[tuple[int, CallFault], ...]  # from which step on
    fileflare: tuple[Blow, ...]
    orders: int = field(default=0)


def order_id(number: int) -> str:
    """Return the ID of an order."""
    return f"{MARK}{number:016x}"


def plan(seed: int, size: Size) -> Plan:
    """Decide a storm."""
    draw = random.Random(seed)  # noqa: S311 - a storm must come back with its seed
    customers = tuple(_customers(draw, max(1, size.lookups // LOOKUPS_OF_ONE)))
    cases = tuple(_case(draw, number) for number in range(size.tickets))
    steps = size.steps
    return Plan(
        seed=seed,
        size=size,
        customers=customers,
        cases=cases,
        changes=tuple(2 + draw.randrange(2 + size.tickets // 15) for _ in range(GUILDS)),
        processes=_blows(draw, PROCESSES, steps, max(2, min(8, steps // 900))),
        database=_blows(draw, DATABASES, steps, max(1, min(5, steps // 1500))),
        gateway=_blows(draw, ("close",), steps, max(2, min(20, steps // 300))),
        calls=tuple(sorted((draw.randrange(steps), _call_fault(draw)) for _ in range(steps // 12))),
        fileflare=_blows(draw, FILEFLARE, steps, max(2, steps // 150)),
        orders=len(customers) + len(cases),
    )


def _customers(draw: random.Random, count: int) -> Iterator[Customer]:
    before = None
    for number in range(count):
        guild, order = draw.randrange(GUILDS), number
        if before is not None and draw.randrange(CONTESTED) == 0:
            guild, order = before
        before = guild, order
        doings = tuple(draw.choice(("again", "again", "refresh", "remember")) for _ in range(LOOKUPS_OF_ONE - 1))
        how = tuple(_how(draw) for _ in range(LOOKUPS_OF_ONE * 2))
        yield Customer(number, guild, order, order % 2 == 0, doings, how)


def _case(draw: random.Random, number: int) -> Case:
    return Case(
        number=number,
        guild=draw.randrange(GUILDS),
        closed=draw.random() < 0.2,
        writes_back=draw.random() < 0.6,
        solves=draw.random() < 0.3,
        leaks=draw.random() < 0.3,
        how=tuple(_how(draw) for _ in range(8)),
    )


def _how(draw: random.Random) -> str:
    return draw.choices(("once", "twice", "late"), (94, 2, 4))[0]


def _blows(draw: random.Random, kinds: tuple[str, ...], steps: int, count: int) -> tuple[Blow, ...]:
    """Return blows at about equal distances, the first ones of every kind."""
    chosen = [*draw.sample(kinds, min(len(kinds), count)), *draw.choices(kinds, k=max(0, count - len(kinds)))]
    return tuple(
        Blow(int((number + 0.2 + 0.6 * draw.random()) * steps / count), kind, draw.random())
        for number, kind in enumerate(chosen)
    )


def _call_fault(draw: random.Random) -> CallFault:
    method, part = draw.choice(
        (
            ("POST", "/callback"),
            ("POST", "/callback"),
            ("PATCH", "@original"),
            ("POST", "/messages"),
            ("PATCH", "/messages/"),
            ("POST", "/threads"),
            ("PATCH", "/channels/"),
            ("PUT", "/roles/"),
            ("POST", "/users/@me/channels"),
            ("GET", "/members/"),
        )
    )
    how = draw.choice(CALLS)
    status = 429 if how == "429" else draw.choice(STATUSES)
    return CallFault(method, part, how, status, round(draw.uniform(0.2, 1.5), 2))
