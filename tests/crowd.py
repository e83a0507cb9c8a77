"""A crowd of people who ask for their orders at once, on the Discord on loopback, and what became of each."""

import asyncio
import json
import time
from collections.abc import Sequence
from contextlib import suppress
from dataclasses import dataclass

from doubles.faulty_fileflare import FaultyFileflare
from doubles.loopback_discord import Call, LoopbackDiscord

from fileflare_bot.demo.orders import answer, asset

_OK = 400  # from this status on a call has failed


@dataclass
class Asked:
    """Somebody's /mydownloads or press of a button; all times are seconds since then."""

    discord: LoopbackDiscord
    number: int
    guild: int
    order: str
    token: str
    at: float

    @property
    def calls(self) -> list[Call]:
        """The Discord calls that succeeded for it."""
        return [call for call in self.discord.calls_for(self.token) if call.status < _OK]

    @property
    def acknowledged(self) -> float:
        """When Discord heard of it first."""
        return next((call.at - self.at for call in self.calls if "/callback" in call.path), float("inf"))

    @property
    def served(self) -> float:
        """When the links came."""
        link = f"/download/{self.order}"
        return next((call.at - self.at for call in self.calls if link in json.dumps(call.body)), float("inf"))

    @property
    def edits(self) -> int:
        """How often its message was edited, the links included."""
        return sum("/webhooks/" in call.path for call in self.calls)

    @property
    def said(self) -> str:
        """What the person reads now."""
        bodies = [call.body.get("data", call.body) for call in self.calls if call.body]
        return str(bodies[-1].get("content", "")) if bodies else ""


def give_orders(sample: FaultyFileflare, count: int) -> list[str]:
    """Give so many people an order each; return their IDs."""
    orders = [f"0123456789abcdef{number:016x}" for number in range(count)]
    for number, order in enumerate(orders):
        file = asset(order, "file.zip", f"{sample.url}/download/{order}")
        sample.answers[order] = answer(number, [], [file], title=None, text=None)
    return orders


async def ask(discord: LoopbackDiscord, order: str, *, person: int, guild: int = 0) -> Asked:
    """Type /mydownloads with an order."""
    at = time.monotonic()
    token = await discord.mydownloads(order, person=person, guild=guild)
    return Asked(discord, person, guild, order, token, at)


async def until_served(crowd: Sequence[Asked], seconds: float) -> float:
    """Wait until everybody has their links, or so long; return the seconds it took."""
    started = time.monotonic()
    waiting = {asked.token: asked for asked in crowd}
    with suppress(TimeoutError):
        async with asyncio.timeout(seconds):
            while waiting:
                await asyncio.sleep(0.2)  # looking at every call that the bot makes would take the processor from it
                waiting = {token: asked for token, asked in waiting.items() if asked.served == float("inf")}
    return time.monotonic() - started
