"""Ten accounts send the worst texts, in real time: everybody else's presses are answered within a second."""

import asyncio
import time
from collections.abc import Awaitable, Callable, Sequence
from functools import partial
from typing import Any, Final

import pytest
from doubles.faulty_fileflare import FaultyFileflare
from doubles.loopback_discord import LoopbackDiscord
from process import Start

from fileflare_bot.demo.orders import answer, asset

ACCOUNTS: Final = 10  # each sends once a second
AT_ONCE: Final = 1.0  # seconds
TRIES: Final = 3
ORDERS: Final = [f"0123456789abcdef{number:016x}" for number in range(2 * ACCOUNTS)]
SECONDS: Final = 3  # a backlog of what takes too long needs a while to be noticed
TEXTS: Final = ("㎉" * 1500, "a@" + "…" * 1497 + "@", "ﷺ" * 1500)


def modal(custom_id: str, **typed: str) -> dict[str, Any]:
    inputs = [
        {"type": 18, "id": number, "component": {"type": 4, "id": 10 + number, "custom_id": name, "value": value}}
        for number, (name, value) in enumerate(typed.items(), 1)
    ]
    return {"type": 5, "data": {"custom_id": custom_id, "components": inputs}}


async def option(discord: LoopbackDiscord, text: str, person: int) -> str:
    return await discord.mydownloads(text, person=person)


async def help_form(discord: LoopbackDiscord, text: str, person: int) -> str:
    return await discord.interact(modal("help:file::.", words=text[:1000], order=text), person=person)


@pytest.mark.parametrize("send", [option, help_form])
async def test_texts_hold_up_nobody(
    send: Callable[[LoopbackDiscord, str, int], Awaitable[str]], start: Start, discord: LoopbackDiscord
) -> None:
    await start()
    await discord.connected()

    for text in TEXTS:
        attack = partial(send, discord, text)
        assert await are_prompt(
            discord, [partial(attack, number % ACCOUNTS) for number in range(SECONDS * ACCOUNTS)]
        ), text[:10]


@pytest.mark.parametrize("name", ["a-", "é ", "[](", "://", "\n"], ids=ascii)
async def test_names_of_files_hold_up_nobody(
    name: str, start: Start, discord: LoopbackDiscord, sample: FaultyFileflare
) -> None:
    for number, order in enumerate(ORDERS):
        files = 40 if number % 2 else 1
        long = name * (1_000_000 // files // len(name))
        named = [asset(f"{order}{file}", long, f"{sample.url}/download/{order}") for file in range(files)]
        sample.answers[order] = answer(1, [], named, title=long[:20_000], text=long[:20_000])
    await start()
    await discord.connected()

    attacks = [partial(discord.mydownloads, order, person=number % ACCOUNTS) for number, order in enumerate(ORDERS)]
    assert await are_prompt(discord, attacks)


async def are_prompt(discord: LoopbackDiscord, attacks: Sequence[Callable[[], Awaitable[str]]]) -> bool:
    """Return whether every press elsewhere is answered at once during the attacks, in one of three tries.

    The machines that run this are shared.
    """
    for _ in range(TRIES):
        if await slowest_press(discord, [attack() for attack in attacks]) < AT_ONCE:
            return True
    return False


async def slowest_press(discord: LoopbackDiscord, attacks: Sequence[Awaitable[str]]) -> float:
    """Return the longest that a press in another server took while every account attacks once a second."""
    sent: list[tuple[float, str]] = []

    async def press(number: int) -> None:
        await asyncio.sleep(number * 0.25)
        sent.append((time.monotonic(), await discord.press("downloads:ask", {}, person=100 + number, guild=1)))

    async def attack(number: int) -> str:
        await asyncio.sleep(number / ACCOUNTS)
        return await attacks[number]

    attacked = asyncio.gather(*map(attack, range(len(attacks))))
    await asyncio.gather(*map(press, range(4 * len(attacks) // ACCOUNTS)))
    tokens = [*await attacked, *(token for _, token in sent)]
    await discord.until(lambda: all(discord.calls_for(token) for token in tokens))
    return max(discord.calls_for(token)[0].at - asked for asked, token in sent)
