"""What users see when single calls of the real process to Discord fail, or their responses are lost."""

import asyncio
import json
import re
import signal
from collections.abc import Callable, Mapping
from typing import Any

import pytest
import sqlalchemy as sa
from doubles.discord_people import Interaction
from doubles.faulty_fileflare import FaultyFileflare
from doubles.networked_discord import Fault, NetworkedDiscord
from process import SHORT_DRAIN, Bot, Start
from shop import Shop
from storage.samples import connected

from fileflare_bot.demo import orders

CUT_OFF_SECONDS = 1.0  # after the drain of SHORT_DRAIN


def _statuses(discord: NetworkedDiscord, shown: Interaction) -> list[int]:
    return [made.status for made in discord.calls if f"/{shown.record.id}/" in made.path]


def call(method: str, pattern: str) -> Callable[[str, str, Any], bool]:
    """Pick the calls of this method whose path matches."""
    return lambda used, path, _body: used == method and re.search(pattern, path) is not None


@pytest.mark.parametrize("after", [False, True], ids=["before it arrives", "after it arrived"])
async def test_a_first_response_whose_connection_drops_is_sent_again(
    bot: Bot, discord: NetworkedDiscord, shop: Shop, *, after: bool
) -> None:
    discord.faults.append(Fault(call("POST", "/callback"), status=0, after=after))

    shown = await shop.look_up(orders.DOCUMENTED)

    assert "Order #1050" in shown.text
    assert len(shown.record.followup_ids) == 0
    await discord.until(lambda: _statuses(discord, shown) == [0, 400 if after else 200])
    assert await bot.stop() == 0


async def test_an_event_that_arrives_twice_is_answered_once(bot: Bot, discord: NetworkedDiscord, shop: Shop) -> None:
    def once_more(event: str, payload: Mapping[str, Any]) -> None:
        if event == "INTERACTION_CREATE":
            discord._broadcast(event, payload)  # noqa: SLF001 - events arrive once by themselves

    discord.backend.subscribers.append(once_more)
    shown = [await shop.look_up(orders.DOCUMENTED) for _ in range(2)]
    assert await bot.stop() == 0

    assert [_statuses(discord, each) for each in shown] == [[200], [200]]


@pytest.mark.parametrize("after", [False, True], ids=["before it arrives", "after it arrived"])
async def test_an_edit_whose_connection_drops_is_sent_again(
    bot: Bot, discord: NetworkedDiscord, shop: Shop, sample: FaultyFileflare, *, after: bool
) -> None:
    discord.faults.append(Fault(call("PATCH", "@original"), status=0, after=after))
    sample.gate.clear()
    asked = discord.slash(shop.customer, shop.channel, "mydownloads", order_id=orders.DOCUMENTED)
    await discord.until(lambda: asked.loading)
    sample.gate.set()
    await discord.until(lambda: [made.status for made in discord.calls if "@original" in made.path] == [0, 200])

    assert "Order #1050" in asked.text
    assert await bot.stop() == 0


@pytest.mark.parametrize("after", [False, True], ids=["before it arrives", "after it arrived"])
async def test_a_file_is_sent_in_full_at_the_second_try(
    bot: Bot, discord: NetworkedDiscord, shop: Shop, *, after: bool
) -> None:
    await shop.ask_for_help()
    stored = await discord.slash(shop.customer, shop.channel, "privacy").done()
    discord.faults.append(Fault(call("POST", "/callback"), status=0, after=after))

    sent = await shop.press(shop.customer, stored.message, "Get it as a file")

    assert sent.message is not None
    (attached,) = sent.message.attachments
    assert json.loads(discord.backend.cdn.get(attached["url"]) or "")["help_requests"]
    assert await bot.stop() == 0


async def test_deleting_ones_data_while_discord_fails_says_what_is_left_and_a_second_press_removes_it(
    bot: Bot, discord: NetworkedDiscord, shop: Shop
) -> None:
    await shop.ask_for_help()
    stored = await discord.slash(shop.customer, shop.channel, "privacy").done()
    asked = await shop.press(shop.customer, stored.message, "Delete it")
    failing = Fault(call("DELETE", r"/channels/\d+/messages/\d+$"), status=503, times=None)
    discord.faults.append(failing)

    first = await shop.press(shop.customer, asked.message, "Delete for good")
    assert first.text.endswith("1 message or thread about them may still be in Discord; I go on trying to remove it.")
    assert "It is broken." in str(shop.card().embeds[0])
    discord.faults.remove(failing)
    stored = await discord.slash(shop.customer, shop.channel, "privacy").done()
    assert stored.message is not None
    assert "**1 message or thread** about what you have deleted" in stored.text
    asked = await shop.press(shop.customer, stored.message, "Delete it")
    second = await shop.press(shop.customer, asked.message, "Delete for good")

    assert second.text == "**Deleted.** I keep nothing of your saved orders and help requests."
    assert not [message for message in shop.messages(shop.support) if message.embeds]
    assert await bot.stop() == 0


@pytest.mark.parametrize(
    ("status", "statuses"), [(None, [200]), (0, [0, 0])], ids=["and its response arrives", "and its responses are lost"]
)
async def test_a_reply_that_a_stop_finds_on_its_way_is_the_only_one(
    start: Start,
    discord: NetworkedDiscord,
    shop: Shop,
    sample: FaultyFileflare,
    *,
    status: int | None,
    statuses: list[int],
) -> None:
    bot = await start(main=SHORT_DRAIN)
    await discord.connected()
    answering = asyncio.Event()
    slow = Fault(call("PATCH", "@original"), status=status, after=True, held=answering, times=len(statuses))
    discord.faults.append(slow)
    sample.gate.clear()
    asked = discord.slash(shop.customer, shop.channel, "mydownloads", order_id=orders.DOCUMENTED)
    await discord.until(lambda: asked.loading)
    sample.gate.set()
    await discord.until(lambda: "Order #1050" in asked.text)
    bot.process.send_signal(signal.SIGTERM)
    await bot.says("stopping")
    await asyncio.sleep(CUT_OFF_SECONDS)
    answering.set()

    assert await bot.end() == 0
    assert "Order #1050" in asked.text
    assert [made.status for made in discord.calls if asked.record.token in made.path] == [200, *statuses]
    assert ("undelivered" in bot.printed) == (status == 0)


async def test_who_has_their_reply_is_not_told_to_try_again_when_the_bot_stops(
    start: Start, discord: NetworkedDiscord, shop: Shop, sqlite_url: str
) -> None:
    bot = await start(main=SHORT_DRAIN, DATABASE_URL=sqlite_url)
    await discord.connected()
    await shop.set_up()
    await shop.ask_for_help()
    shown = await shop.answer_form()
    await discord.submit(shop.moderator, shown, words="Try again.").done()
    async with connected(sqlite_url) as connection:
        await connection.execute(sa.text("BEGIN IMMEDIATE"))  # so that it cannot be noted that the customer writes
        form = await shop.press(shop.customer, shop.direct()[0], "Write back")
        code = await bot.stop()

    assert code == 0
    assert form.record.modal is not None
    assert form.text == ""
    assert _statuses(discord, form) == [200]
    assert not [made for made in discord.calls if form.record.token in made.path and "/webhooks/" in made.path]


async def test_who_presses_in_the_last_moment_of_a_stop_is_told_so(
    bot: Bot, discord: NetworkedDiscord, shop: Shop, sample: FaultyFileflare
) -> None:
    telling = asyncio.Event()
    sample.gate.clear()
    slow = discord.slash(shop.customer, shop.channel, "mydownloads", order_id=orders.DOCUMENTED)
    await discord.until(lambda: slow.loading)
    bot.process.send_signal(signal.SIGTERM)
    await bot.says("stopping")
    held = Fault(call("POST", "/callback"), status=None, held=telling)
    discord.faults.append(held)
    late = discord.slash(shop.customer, shop.channel, "mydownloads", order_id=orders.EMPTY)
    await discord.until(lambda: held not in discord.faults)
    sample.gate.set()
    await slow.done()
    await asyncio.sleep(CUT_OFF_SECONDS)
    telling.set()

    assert await bot.end() == 0
    assert late.text == "**I am restarting.** Please try again in a minute."
    assert "Traceback" not in bot.printed
