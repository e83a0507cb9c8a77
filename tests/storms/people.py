"""What people do in a storm. Whoever gets no answer, or is told to try again, does so; what they were told is kept."""

import asyncio
import contextlib
import re
import time
from collections import Counter, defaultdict
from collections.abc import Awaitable, Callable, Iterator
from contextvars import ContextVar
from dataclasses import dataclass, field
from typing import Final, TypeVar

from doubles.discord_people import Interaction, NothingThere
from shop import Shop
from simcord.backend.models import Message
from storms.plan import MARK, OWN_WORDS, Case, Customer, order_id
from storms.stormy_discord import StormyDiscord

from fileflare_bot.storage.records import Resolution

PATIENCE_SECONDS: Final = 15.0  # for one reply
LONGEST_SECONDS: Final = 90.0  # until something has worked, since no process or database has ended
WORDS_SECONDS: Final = 3.0
AGAIN_SECONDS: Final = 0.25
RESTART_SECONDS: Final = 1.0  # of the minute after which people are asked to try again
GONE_SECONDS: Final = 1.0  # after a process has ended, its replies come no more
_NUMBER: Final = re.compile(r"#(\d+)")
_FAULT_OF_THE_BOT: Final = "Something went wrong on my side"

_HEARD: Final[ContextVar[list[str]]] = ContextVar("heard")  # the replies to what is tried at the moment

T = TypeVar("T")


@dataclass(slots=True)
class Ledger:
    """What people were told."""

    wrong: list[str] = field(default_factory=list)
    said: Counter[str] = field(default_factory=Counter)  # the first words of each reply
    tickets: dict[int, set[int]] = field(default_factory=lambda: defaultdict(set))  # the numbers, by the case
    takers: dict[int, set[int]] = field(default_factory=lambda: defaultdict(set))
    answers: dict[int, list[str]] = field(default_factory=lambda: defaultdict(list))  # what each answer's reply said
    written: set[int] = field(default_factory=set)  # cases whose customer wrote back
    closed: set[int] = field(default_factory=set)
    saved: set[tuple[int, int]] = field(default_factory=set)  # user, order
    titles: dict[int, list[str]] = field(default_factory=lambda: defaultdict(list))  # of the panels, by guild
    lookups: int = 0
    tries: int = 0


@dataclass(slots=True)
class Progress:
    """How many steps are done of about ``total``. At a gate people wait until the weather has struck."""

    total: int
    gates: list[int]
    steps: int = 0
    over: bool = False
    _moved: asyncio.Event = field(default_factory=asyncio.Event)

    async def step(self) -> None:
        """Count a step, after what strikes before it."""
        while self.gates and self.steps >= min(self.gates):
            await self._move()
        self.steps += 1
        self._moved.set()

    async def reached(self, step: int) -> bool:
        """Wait until so many steps are done; return False if everybody has finished before."""
        while self.steps < step and not self.over:
            await self._move()
        return not self.over

    def open(self, gate: int) -> None:
        """Let people go on."""
        self.gates.remove(gate)
        self._moved.set()

    def finish(self) -> None:
        """Tell all who wait that everybody has finished."""
        self.over = True
        self._moved.set()

    async def _move(self) -> None:
        self._moved.clear()
        await self._moved.wait()


@dataclass(slots=True)
class People:
    """Everybody in a storm. ``ended`` says when a process has ended, by its name; ``calm_since``, when the last did."""

    discord: StormyDiscord
    shops: list[Shop]
    halls: list[int]  # the channels for lookups: those of the shops hold what is compared in the end
    moderators: list[tuple[int, int]]
    ledger: Ledger
    progress: Progress
    ended: Callable[[str], float | None]
    calm_since: Callable[[], float]
    users: dict[tuple[str, int], int] = field(default_factory=dict)

    # Lookups

    async def look_up(self, customer: Customer) -> None:
        """Look an order up again and again."""
        user = self.users["customer", customer.number]
        how, hall = iter(customer.how), self.halls[customer.guild]
        shown = await self._order(user, customer.order, how, hall)
        for doing in customer.doings:
            try:
                if shown is not None and doing == "refresh":
                    shown = await self._refresh(user, customer.order, how, shown)
                elif shown is not None and doing == "remember":
                    shown = await self._remember(user, customer.order, how, shown)
            except NothingThere:
                shown = None  # such as Remember this order in an answer that came while the database was away
            if shown is None or doing == "again":
                shown = await self._order(user, customer.order, how, hall)

    async def _order(self, user: int, order: int, how: Iterator[str], channel: int) -> Message | None:
        async def once() -> Message | None:
            return _shows(
                await self._do(
                    channel, lambda: self.discord.slash(user, channel, "mydownloads", order_id=order_id(order)), how
                ),
                order,
            )

        self.ledger.lookups += 1
        shown = await self._until_done(once, "a lookup")
        if shown is not None and {*re.findall(rf"{MARK}\w{{16}}", repr(shown))} != {order_id(order)}:
            self.ledger.wrong.append("a lookup showed other links than its order's")
        return shown

    async def _refresh(self, user: int, order: int, how: Iterator[str], shown: Message) -> Message | None:
        self.ledger.lookups += 1
        return _shows(await self._press(user, shown, "downloads:refresh", how), order)

    async def _remember(self, user: int, order: int, how: Iterator[str], shown: Message) -> Message | None:
        """Save an order, and open it from the list."""
        pressed = await self._press(user, shown, "downloads:remember", how)
        if pressed is None:
            return None
        with contextlib.suppress(TimeoutError):  # the words follow the change of the pressed message
            await self.discord.until(lambda: pressed.text.startswith("I keep “"), WORDS_SECONDS)
        if not pressed.text.startswith("I keep “"):
            return None
        self.ledger.saved.add((user, order))
        listed = await self._do(shown.channel_id, lambda: self.discord.slash(user, shown.channel_id, "myorders"), how)
        if listed is None or (message := listed.message) is None or "orders:open" not in repr(message.components):
            return None
        self.ledger.lookups += 1
        values = self.discord.options(message, "orders:open")[:1]
        opened = await self._do(shown.channel_id, lambda: self.discord.press(user, message, "orders:open", values), how)
        return _shows(opened, order)

    # Tickets

    async def have_case(self, case: Case, order: int) -> None:
        """File a ticket, and see it through to its resolution."""
        shop, user = self.shops[case.guild], self.users["case", case.number]
        how = iter(case.how)
        if case.closed:
            self.discord.closed_to.add(user)
        number = await self._file(case, shop, user, order, how)
        if number is None:
            return
        taker = await self._take(case, shop, number)
        if taker is None:
            return
        await self._answer(case, shop, number, taker)
        if case.writes_back:
            await self._write_back(case, shop, user)
        if case.solves:
            await self._solve(case, shop, number, user)
        else:
            await self._resolve(case, shop, number, taker)

    async def _file(self, case: Case, shop: Shop, user: int, order: int, how: Iterator[str]) -> int | None:
        words = f"{OWN_WORDS}asked {case.number}x"
        if case.leaks:
            words += f" https://shop.example/account/orders/{order_id(order)}"

        async def once() -> int | None:
            shown = await self._order(user, order, how, shop.channel)
            form = None if shown is None else await self._press(user, shown, "Get help", how)
            filed = await self._submit(user, form, how, topic="nothing_left", words=words)
            if filed is None or not filed.text.startswith(("Your help request is ", "You asked about this before")):
                return None
            found = _NUMBER.search(filed.text)
            if found is None:
                return None
            self.ledger.tickets[case.number].add(int(found[1]))
            return int(found[1])

        return await self._until_done(once, "filing")

    async def _take(self, case: Case, shop: Shop, number: int) -> int | None:
        async def one(moderator: int) -> int | None:
            if _stands(card := _card(shop, number), "🔵") and f"<@{moderator}>" in repr(card):
                return moderator  # the card says so, although no reply did
            pressed = await self._press(moderator, _card(shop, number), "Take")
            if pressed is not None and pressed.text.endswith("is yours now."):
                self.ledger.takers[case.number].add(moderator)
                return moderator
            return None

        async def both() -> int | None:
            one_of, other = await asyncio.gather(*map(one, self.moderators[case.guild]), return_exceptions=True)
            for taken in (one_of, other):
                if isinstance(taken, BaseException) and not isinstance(taken, NothingThere):
                    raise taken
            return next((taken for taken in (one_of, other) if isinstance(taken, int)), None)

        return await self._until_done(both, "taking")

    async def _answer(self, case: Case, shop: Shop, number: int, moderator: int) -> bool | None:
        async def once() -> bool | None:
            choice = await self._press(moderator, _card(shop, number), "Answer")
            form = await self._press(moderator, None if choice is None else choice.message, "Your own words")
            words = f"{OWN_WORDS}answer{case.number}x"
            sent = await self._submit(moderator, form, words=words)
            if sent is None or not _about_an_answer(sent.text):
                return None
            self.ledger.answers[case.number].append(sent.text)
            return True

        return await self._until_done(once, "answering")

    async def _write_back(self, case: Case, shop: Shop, user: int) -> bool | None:
        where = self.discord.backend.get_dm_channel(user).id

        async def once() -> bool | None:
            form = await self._press(user, await self._received(case, shop, user), "Write back")
            words = f"{OWN_WORDS}back {case.number}x"
            wrote = await self._submit(user, form, words=words)
            if wrote is None or not wrote.text.startswith(("The moderators have it", "It is saved with")):
                return None
            self.ledger.written.add(case.number)
            return True

        return await self._until_done(once, f"writing back in {where}")

    async def _solve(self, case: Case, shop: Shop, number: int, user: int) -> bool | None:
        async def once() -> bool | None:
            answer = await self._received(case, shop, user)
            reopens = answer is not None and "'label': 'Reopen'" in repr(answer.components)
            if reopens or _stands(_card(shop, number), "🟢"):  # they say so, although no reply did
                self.ledger.closed.add(case.number)
                return True
            pressed = await self._press(user, answer, "It is solved")
            return self._closed(case, pressed)

        return await self._until_done(once, "solving")

    async def _resolve(self, case: Case, shop: Shop, number: int, moderator: int) -> bool | None:
        async def once() -> bool | None:
            if _stands(_card(shop, number), "🟢"):  # the card says so, although no reply did
                self.ledger.closed.add(case.number)
                return True
            form = await self._press(moderator, _card(shop, number), "Resolve")
            if self._closed(case, form):
                return True
            words = f"{OWN_WORDS}bye{case.number}x"
            closed = await self._submit(moderator, form, reason=[Resolution.FIXED], words=words)
            return self._closed(case, closed)

        return await self._until_done(once, "resolving")

    def _closed(self, case: Case, said: Interaction | None) -> bool | None:
        if said is None or not re.search(r"is closed|already closed|is resolved", said.text):
            return None
        self.ledger.closed.add(case.number)
        return True

    async def _received(self, case: Case, shop: Shop, user: int) -> Message | None:
        """Return the message with the answer: a direct one, or one that a button in public shows."""
        if not case.closed:
            return next(iter(shop.direct(user)), None)
        mention = next((each for each in shop.messages(shop.channel) if f"<@{user}>" in each.content), None)
        read = await self._press(user, mention, "Read the answer")
        return None if read is None else read.message

    # Settings

    async def change_settings(self, guild: int, count: int) -> None:
        """Change the words of a guild's panel, as its owner."""
        shop = self.shops[guild]
        for change in range(count):
            _ = await self.progress.reached(change * self.progress.total // (2 * count))
            title = f"Title {change}"

            async def once(title: str = title) -> bool | None:
                setup = await self._do(
                    shop.channel, lambda: self.discord.slash(shop.owner, shop.channel, "store setup")
                )
                form = await self._press(shop.owner, None if setup is None else setup.message, "The panel's words")
                if form is not None and f"'value': '{title}'" in repr(form.record.modal):
                    return True  # it is stored
                await self._submit(shop.owner, form, title=title)
                return None

            if await self._until_done(once, "changing the settings"):
                self.ledger.titles[guild].append(title)

    # One press

    async def _press(
        self, user: int, message: Message | None, part: str, how: Iterator[str] | None = None
    ) -> Interaction | None:
        if message is None:
            return None
        return await self._do(message.channel_id, lambda: self.discord.press(user, message, part), how)

    async def _submit(
        self, user: int, form: Interaction | None, how: Iterator[str] | None = None, **values: str | list[str]
    ) -> Interaction | None:
        if form is None or form.record.modal is None:
            return None
        return await self._do(form.record.channel_id, lambda: self.discord.submit(user, form, **values), how)

    async def _do(
        self, channel_id: int, act: Callable[[], Interaction], how: Iterator[str] | None = None
    ) -> Interaction | None:
        """Do something, and return it once it is answered; None if nobody answers."""
        await self.progress.step()
        self.ledger.tries += 1
        with contextlib.suppress(TimeoutError):
            await self.discord.until(lambda: self.discord.is_live(channel_id), PATIENCE_SECONDS)
        self.discord.how = "once" if how is None else next(how, "once")
        shown = act()
        with contextlib.suppress(TimeoutError):
            await self.discord.until(lambda: shown.finished or self._lost(shown), PATIENCE_SECONDS)
        if not shown.finished:
            self.ledger.said["(no answer)"] += 1
            _heard("(no answer)")
            return None
        if _FAULT_OF_THE_BOT in shown.text:
            self.ledger.wrong.append("a fault of the bot was told")
        self.ledger.said[_kind(shown)] += 1
        _heard(_kind(shown))
        if "I am restarting" in shown.text:
            await asyncio.sleep(RESTART_SECONDS)
        return shown

    def _lost(self, shown: Interaction) -> bool:
        """Return whether no process is left that could answer."""
        deliveries = self.discord.delivered.get(str(shown.record.id), [])
        if not deliveries:
            return not self.discord.under_way(shown)
        ended = [self.ended(each.session.agent) for each in deliveries]
        return all(at is not None and time.monotonic() - at > GONE_SECONDS for at in ended)

    async def _until_done(self, attempt: Callable[[], Awaitable[T | None]], what: str) -> T | None:
        began, heard = time.monotonic(), list[str]()
        before = _HEARD.set(heard)
        try:
            while time.monotonic() - max(began, self.calm_since()) < LONGEST_SECONDS:
                try:
                    if (done := await attempt()) is not None:
                        return done
                except NothingThere as missing:
                    _heard(f"(no {missing})")
                await asyncio.sleep(AGAIN_SECONDS)
        finally:
            _HEARD.reset(before)
        self.ledger.wrong.append(f"{what} did not work for {LONGEST_SECONDS:.0f} seconds; heard: {Counter(heard)}")
        return None


def _shows(shown: Interaction | None, order: int) -> Message | None:
    if shown is None or not shown.text.startswith(f"Order #{order + 1} "):
        return None
    return shown.message


def _card(shop: Shop, number: int) -> Message | None:
    """Return the card of a ticket."""
    wanted = re.compile(rf"Help request #{number}\b")
    return next(
        (
            each
            for each in shop.messages(shop.support)
            if each.embeds and not each.reference and wanted.search(repr(each.embeds))
        ),
        None,
    )


def _stands(card: Message | None, mark: str) -> bool:
    """Return whether a card's ticket is taken (🔵) or closed (🟢)."""
    return card is not None and str(card.embeds[0].get("description", "")).startswith(mark)


def _about_an_answer(text: str) -> bool:
    arrived = ("Sent by direct message", "They take no", "They have left", "**It is saved", "**It could not")
    return text.partition(": ")[2].startswith(arrived)


def _heard(reply: str) -> None:
    if (heard := _HEARD.get(None)) is not None:
        heard.append(reply)


def _kind(shown: Interaction) -> str:
    if shown.record.modal is not None:
        return "(a form)"
    return " ".join(re.sub(r"#?\d+|<@\d+>", "…", shown.text).split()[:7])
