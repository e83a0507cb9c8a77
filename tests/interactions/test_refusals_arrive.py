"""A refusal arrives wherever it was caused: beside a page of Components V2, too, which takes no text."""

import asyncio
from typing import Any

import aiohttp
import discord
import pytest
from desk import Desk, page, reply, toggle_id
from discord.ext import commands
from doubles.strictness import mixes_components_v2
from simcord.results import InteractionResult

from fileflare_bot.interactions.access import CUSTOMER
from fileflare_bot.interactions.reply import Reply, ReplyMessage, Undelivered, _deliver
from fileflare_bot.interactions.routing import replies, route
from fileflare_bot.storage.errors import StorageUnavailable
from fileflare_bot.storage.storage import Storage

AWAY = "**My database cannot be reached right now.**"


class Page(commands.Cog):
    """A page of Components V2 that is shown, and a refusal after it."""

    @route("test:new")
    @replies("test_new", CUSTOMER)
    async def new(self, reply: Reply) -> None:
        """Send it."""
        await self._show(reply, 0)

    @route("test:slow_new")
    @replies("test_slow_new", CUSTOMER)
    async def slow_new(self, reply: Reply) -> None:
        """Send it after more than a second."""
        await self._show(reply, 1.2)

    @route("test:update")
    @replies("test_update", CUSTOMER, updates=True)
    async def update(self, reply: Reply) -> None:
        """Put it in the place of the page that was pressed."""
        await self._show(reply, 0)

    @route("test:slow_update")
    @replies("test_slow_update", CUSTOMER, updates=True)
    async def slow_update(self, reply: Reply) -> None:
        """Put it there after more than a second."""
        await self._show(reply, 1.2)

    async def _show(self, reply: Reply, seconds: float) -> None:
        await asyncio.sleep(seconds)
        shown = discord.ui.LayoutView(timeout=None)
        shown.add_item(discord.ui.TextDisplay("The page."))
        await reply.show(ReplyMessage("", view=shown))
        raise StorageUnavailable


def told(result: InteractionResult) -> list[str]:
    """Return the contents of the messages that answer an interaction."""
    return [message.content for message in (result.response, *result.followups) if message is not None]


@pytest.mark.parametrize("kind", ["new", "slow_new", "update", "slow_update"])
async def test_a_refusal_after_a_page_was_shown_is_a_message_of_its_own(desk: Desk, kind: str) -> None:
    await desk.set_up()
    setup = await desk.owner.slash(desk.channel, "store setup")
    desk.bot.routes.add(Page())
    toggle = toggle_id(setup, "saved_orders")
    stored = desk.env.backend.get_message(desk.channel.id, reply(setup).id)
    for component in stored.components:
        if (component.get("accessory") or {}).get("custom_id") == toggle:
            component["accessory"]["custom_id"] = f"test:{kind}"

    result = await desk.owner.click(reply(setup), custom_id=f"test:{kind}")

    assert [content for content in told(result) if content.startswith(AWAY)]
    assert "The page." in str([stored.components, page(result)])


@pytest.mark.parametrize("seconds", [0, 1.2])
@pytest.mark.parametrize("press", ["toggle", "limits", "words", "channel", "language"])
async def test_every_refusal_on_the_setup_page_arrives_and_the_page_stays(
    desk: Desk, storage: Storage, monkeypatch: pytest.MonkeyPatch, press: str, seconds: float
) -> None:
    await desk.set_up()
    setup = await desk.owner.slash(desk.channel, "store setup")
    before = page(setup)

    async def away(*_given: Any, **_more: Any) -> None:  # noqa: ANN401 - of any method
        await asyncio.sleep(seconds)
        raise StorageUnavailable

    for method in ("change", "change_options"):
        monkeypatch.setattr(storage.guilds, method, away)
    match press:
        case "toggle":
            result = await desk.owner.click(reply(setup), custom_id=toggle_id(setup, "saved_orders"))
        case "channel":
            custom_id = "store_setup:set:support_channel_id"
            result = await desk.owner.select(reply(setup), [desk.channel], custom_id=custom_id)
        case "language":
            result = await desk.owner.select(reply(setup), ["de"], custom_id="store_setup:language")
        case _:
            shown = await desk.owner.click(reply(setup), custom_id=f"store_setup:{press}")
            values = {"limits": {"accounts": "2", "open": ""}, "words": {"title": "Hi"}}[press]
            result = await desk.owner.submit_modal(shown, values)

    assert [content for content in told(result) if content.startswith(AWAY)]
    assert page(setup) == before


async def test_the_simulated_discord_sees_content_for_a_page_of_components_v2(desk: Desk) -> None:
    setup = await desk.owner.slash(desk.channel, "store setup")
    stored = desk.env.backend.get_message(desk.channel.id, reply(setup).id)
    (token,) = desk.env.backend.interaction_tokens
    edit = f"/webhooks/{desk.env.backend.application_id}/{token}/messages/@original"
    send = f"/channels/{stored.channel_id}/messages"

    assert mixes_components_v2(desk.env.backend, "PATCH", edit, {"content": "No."})
    assert mixes_components_v2(desk.env.backend, "PATCH", edit, {"embeds": [{"title": "No."}]})
    assert mixes_components_v2(desk.env.backend, "POST", send, {"flags": 1 << 15, "content": ""})
    assert not mixes_components_v2(desk.env.backend, "POST", send, {"content": "Yes."})
    assert not mixes_components_v2(desk.env.backend, "PATCH", edit, {"content": None, "embeds": [], "components": []})


async def test_a_reply_that_outlives_a_stop_is_lost_and_no_fault() -> None:
    session = aiohttp.ClientSession()
    await session.close()

    with pytest.raises(Undelivered, match="stopped"):
        await _deliver(lambda: session.get("http://127.0.0.1"))
