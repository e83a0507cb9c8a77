"""What must hold after a storm: what people were told, what is stored and what Discord shows agree."""

import math
import re
from collections import Counter, defaultdict
from collections.abc import Iterator
from pathlib import Path
from typing import Final, cast

from doubles.discord_people import Interaction
from doubles.loopback_payloads import TOKEN
from operations.agreement import Row, disagreements, rows
from simcord.components import walk_components
from storage.samples import KEY
from storms.people import People
from storms.plan import MARK, OWN_WORDS, Case, Plan
from storms.stormy_discord import Calls, StormyDiscord
from storms.weather import Life, Weather

from fileflare_bot.storage import models

GRACE_SECONDS: Final = 2.0  # an event that arrives when its connection or process ends may be lost
MOST_GROWTH: Final = 96.0  # MiB: 64 for open orders, whose buttons work for 30 minutes, and some for the heap
MOST_LATE: Final = 0.01  # of the first responses: everything shares the processors with the people and Discord
EPHEMERAL: Final = 64
DIRECT: Final = "Sent by direct message"
TRACES: Final = ("Traceback", "uncaught", "background_bug", "upkeep_failed", "event_failed", "Task exception")
SECRETS: Final = (MARK, "/download/", TOKEN, KEY, "simcord_interaction_")
ENCRYPTED: Final = (*SECRETS, OWN_WORDS)


async def differences(plan: Plan, people: People, weather: Weather, url: str, metrics: list[str]) -> list[str]:
    """Return everything that differs."""
    wrong = [*people.ledger.wrong, *weather.wrong]
    for shop in people.shops:
        wrong += [f"{shop.guild_id}: {difference}" for difference in await disagreements(shop, url)]
    wrong = [f"{difference}{_calls(people, difference)}" for difference in wrong]
    wrong += await _tickets(plan, people, url)
    wrong += await _orders(people, url)
    wrong += await _settings(people, url)
    wrong += _replies(people.discord, weather)
    wrong += _printed(weather, metrics)
    wrong += _public(people)
    for life in weather.lives:
        wrong += _memory(life)
    return wrong


def _calls(people: People, difference: str) -> str:
    """Return the last calls to the channels that a difference names."""
    last = cast("Calls", people.discord.calls).last
    stories = ["\n        ".join(["", *last[int(channel)]]) for channel in re.findall(r"\d{15,}", difference)]
    return "".join(stories)


def in_files(folder: Path) -> list[str]:
    """Return the secrets that are in clear text in a database's files."""
    found = []
    for path in folder.rglob("*"):
        if path.is_file() and (content := path.read_bytes()):
            found += [
                f"{secret[:8]}… is in the database's file {path.name}"
                for secret in ENCRYPTED
                if secret.encode() in content
            ]
    return found


async def _tickets(plan: Plan, people: People, url: str) -> list[str]:
    wrong: list[str] = []
    stored = await rows(url, models.TicketRow)
    messages = Counter(row.request_id for row in await rows(url, models.MessageRow) if row.from_moderator)
    for case in plan.cases:
        shop, user = people.shops[case.guild], people.users["case", case.number]
        mine = [row for row in stored if (row.guild_id, row.person_id) == (shop.guild_id, user)]
        told = people.ledger.tickets[case.number]
        if not told and not mine:
            continue
        if len(mine) != 1 or {mine[0].number} != told:
            wrong.append(f"case {case.number}: told {sorted(told)}, stored {[row.number for row in mine]}")
            continue
        wrong += [f"case {case.number}: {what}" for what in _case(case, people, mine[0], messages[mine[0].id])]
    return wrong


def _case(case: Case, people: People, row: Row, answers: int) -> Iterator[str]:
    told, number = people.ledger, case.number
    shop, user = people.shops[case.guild], row.person_id
    if told.takers[number] - {row.taken_by}:
        yield f"{sorted(told.takers[number])} were told that it is theirs, it is {row.taken_by}'s"
    if (number in told.closed) != row.resolved:
        yield f"told closed: {number in told.closed}, stored: {row.resolved}"
    closing = number in told.closed and not case.solves
    if answers != bool(told.answers[number]) + closing:
        yield f"{answers} answers are stored, told {len(told.answers[number])}, closed by a moderator: {closing}"
    direct = sum(f"{OWN_WORDS}answer{number}x" in repr(message.embeds) for message in shop.direct(user))
    if direct != int(bool(told.answers[number]) and not case.closed):
        yield f"its answer arrived {direct} times directly"
    if any(DIRECT in text for text in told.answers[number]) and not direct:
        yield "its moderator was told that the answer arrived, and it did not"
    thread = [*shop.messages(row.thread_id or 0), *shop.beside(row.card_message_id)]
    words = repr([message.embeds for message in thread]).count(f"{OWN_WORDS}back {number}x")
    if words != int(number in told.written):
        yield f"the customer's words are {words} times with the card"


async def _orders(people: People, url: str) -> list[str]:
    claims = Counter((row.guild_id, row.order_hash) for row in await rows(url, models.ClaimRow))
    wrong = [f"an order has {count} holders" for count in claims.values() if count > 1]
    saved = Counter(row.person_id for row in await rows(url, models.SavedOrderRow))
    told = Counter(user for user, _ in people.ledger.saved)
    return wrong + [
        f"user {user} has {saved[user]} saved orders, told {told[user]}" for user in told if saved[user] < told[user]
    ]


async def _settings(people: People, url: str) -> list[str]:
    wrong = []
    for guild, titles in people.ledger.titles.items():
        shop = people.shops[guild]
        (row,) = await rows(url, models.GuildRow, models.GuildRow.guild_id == shop.guild_id)
        title = row.options.get("wording", {}).get("title")
        if title != titles[-1]:
            wrong.append(f"the owner was told {titles[-1]}, stored is {title}")
    return wrong


def _replies(discord: StormyDiscord, weather: Weather) -> list[str]:
    lives = {life.member.name: life for life in weather.lives}
    late = len(discord.too_late)
    wrong = [f"{late} first responses came too late"] if late > MOST_LATE * len(discord.made) else []
    for shown in discord.made:
        said = discord.said.get(shown.record.token, [])
        if not shown.finished and _must_be_answered(discord, shown, lives):
            wrong.append(
                f"an interaction was left unanswered ({shown.record.command_name or 'a button'}; "
                f"{_story(discord, shown, lives)}); said so far: {said}"
            )
        beside = [text for text in said if text.startswith("+")]
        final = {text for text in said if not text.startswith(("+", "⏳")) and "\n⏳" not in text}
        updates = (
            shown.record.source_message_id is not None and shown.record.message_id == shown.record.source_message_id
        )
        if len(beside) > int(updates) or (len(final) > 1 and not updates):
            wrong.append(f"a reply came twice: {said}")
    return wrong


def _must_be_answered(discord: StormyDiscord, shown: Interaction, lives: dict[str, Life]) -> bool:
    """Return whether a live process had an interaction, and none of its calls was made to fail."""
    if shown.record.token in discord.faulty | discord.too_late:
        return False
    for session, at in discord.delivered.get(str(shown.record.id), []):
        life = lives[session.agent]
        connected, alive = _seconds(session.ended, at), _seconds(life.ended, at)
        if connected > GRACE_SECONDS and alive > (10 * GRACE_SECONDS if life.killed else GRACE_SECONDS):
            return True
    return False


def _seconds(when: float | None, at: float) -> float:
    return math.inf if when is None else when - at


def _story(discord: StormyDiscord, shown: Interaction, lives: dict[str, Life]) -> str:
    """Return where an interaction went, and how many seconds later its connection and process ended."""
    return ", ".join(
        f"to {session.agent}, which was connected for {_seconds(session.ended, at):.1f} s and alive for "
        f"{_seconds(lives[session.agent].ended, at):.1f} s"
        for session, at in discord.delivered.get(str(shown.record.id), [])
    )


def _printed(weather: Weather, metrics: list[str]) -> list[str]:
    wrong = [f"{secret[:8]}… is in the metrics" for secret in ENCRYPTED for page in metrics if secret in page]
    for life in weather.lives:
        printed = life.member.bot.printed
        wrong += [f"{secret[:8]}… is in the log of {life.member.name}" for secret in ENCRYPTED if secret in printed]
        wrong += [
            f"the log of {life.member.name} has {trace}: …{printed[max(0, at - 200) : at + 3000]}"
            for trace in TRACES
            if (at := printed.find(trace)) >= 0
        ]
    return wrong


def _public(people: People) -> list[str]:
    """Return the secrets in public messages, and in the custom_ids of all."""
    wrong = []
    for stored in people.discord.backend.messages.values():
        for message in stored.values():
            ids = " ".join(part.get("custom_id") or "" for part in walk_components(message.components))
            seen = ids if message.flags & EPHEMERAL else repr(message)
            wrong += [f"{secret[:8]}… is in a public message or a custom_id" for secret in SECRETS if secret in seen]
    return wrong


def _memory(life: Life) -> list[str]:
    if len(life.memory) < 2:
        return []
    half = [mib for _, mib in life.memory[: max(1, len(life.memory) // 4)]]
    grown = life.memory[-1][1] - max(half)
    return [f"{life.member.name} grew by {grown:.0f} MiB"] if grown > MOST_GROWTH else []


def by_kind(wrong: list[str]) -> dict[str, list[str]]:
    """Return the differences that are alike but for their numbers, those that are most first."""
    kinds: defaultdict[str, list[str]] = defaultdict(list)
    for each in wrong:
        kinds[re.sub(r"\d+", "…", each)].append(each)
    return dict(sorted(kinds.items(), key=lambda item: -len(item[1])))
