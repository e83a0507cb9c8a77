"""Roles granted and revoked by the real process while Discord makes it wait."""

import asyncio

import pytest
from doubles.discord_people import Interaction
from doubles.networked_discord import Fault, NetworkedDiscord
from process import Bot, Start
from shop import SOON, Shop

from fileflare_bot.demo import orders


@pytest.fixture
async def buyer(bot: Bot, discord: NetworkedDiscord, shop: Shop) -> int:
    """A role that every sample order brings."""
    assert bot.process.returncode is None
    role = discord.backend.create_role(shop.guild_id, "Buyer")
    rule = {"match": "product_id", "role": str(role.id), "value": "123456"}
    await discord.slash(shop.owner, shop.channel, "store roles add", **rule).done()
    return role.id


async def open_slowly(discord: NetworkedDiscord, shop: Shop, role_id: int) -> tuple[Interaction, asyncio.Event]:
    """Open an order as the customer; Discord holds the grant of its role until the event is set."""
    held = asyncio.Event()
    discord.faults.append(
        Fault(lambda method, path, _body: method == "PUT" and path.endswith(f"/roles/{role_id}"), None, held=held)
    )
    asked = discord.slash(shop.customer, shop.channel, "mydownloads", order_id=orders.DOCUMENTED)
    await discord.until(lambda: asked.loading)
    return asked, held


async def choose_claim(discord: NetworkedDiscord, shop: Shop) -> Interaction:
    """Choose the order's only claim, as the owner, who may give its roles."""
    listed = await discord.slash(shop.owner, shop.channel, "claims order", order_id=orders.DOCUMENTED).done()
    assert listed.message is not None
    (option,) = discord.options(listed.message, "claims:choose")
    return await discord.press(shop.owner, listed.message, "claims:choose", [option]).done()


async def test_a_claim_that_is_released_during_a_slow_grant_leaves_no_role(
    bot: Bot, discord: NetworkedDiscord, shop: Shop, buyer: int
) -> None:
    asked, held = await open_slowly(discord, shop, buyer)
    chosen = await choose_claim(discord, shop)
    assert chosen.message is not None
    released = discord.press(shop.owner, chosen.message, "Release")
    await discord.until(lambda: released.record.deferred)
    held.set()
    await released.done()
    await asked.done()

    assert "Order #1050" in asked.text
    assert released.text.startswith(r"**\#1050 · My new Book is free now:** the next account that opens it holds it.")
    assert buyer not in discord.backend.guilds[shop.guild_id].members[shop.customer].role_ids
    assert await bot.stop() == 0


async def test_a_claim_that_moves_during_a_slow_grant_leaves_the_role_with_its_new_holder_only(
    bot: Bot, discord: NetworkedDiscord, shop: Shop, buyer: int
) -> None:
    asked, held = await open_slowly(discord, shop, buyer)
    chosen = await choose_claim(discord, shop)
    shown = await shop.press(shop.owner, chosen.message, "Move to another account")
    moved = discord.submit(shop.owner, shown, person=[str(shop.moderator)])
    await discord.until(lambda: moved.record.deferred)
    held.set()
    await moved.done()
    await asked.done()

    assert moved.text == f"The order counts for <@{shop.moderator}> now. Its roles have moved with it."
    members = discord.backend.guilds[shop.guild_id].members
    assert [member.user_id for member in members.values() if buyer in member.role_ids] == [shop.moderator]
    assert await bot.stop() == 0


async def test_a_role_that_discord_drops_is_given_later(
    start: Start, bot: Bot, discord: NetworkedDiscord, shop: Shop, buyer: int
) -> None:
    assert await bot.stop() == 0
    again = await start(first=SOON)
    await again.says("ready")
    discord.faults.append(Fault(lambda method, path, _body: method == "PUT" and f"/roles/{buyer}" in path, 503))

    opened = await shop.look_up(orders.DOCUMENTED)
    assert "Order #1050" in opened.text
    await discord.until(lambda: buyer in discord.backend.guilds[shop.guild_id].members[shop.customer].role_ids)

    assert await again.stop() == 0
