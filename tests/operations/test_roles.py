"""Roles granted and revoked by the real process while Discord makes it wait."""

from doubles.networked_discord import Fault, NetworkedDiscord
from process import Bot
from shop import Shop

from fileflare_bot.demo import orders


async def test_a_claim_that_is_released_during_a_slow_grant_leaves_no_role(
    bot: Bot, discord: NetworkedDiscord, shop: Shop
) -> None:
    buyer = discord.backend.create_role(shop.guild_id, "Buyer")
    await discord.slash(
        shop.owner, shop.channel, "store roles add", match="any_order", role=str(buyer.id), value=""
    ).done()
    discord.faults.append(  # discord.py tries again after one second, and after three more
        Fault(lambda method, path, _body: method == "PUT" and path.endswith(f"/roles/{buyer.id}"), 502, times=2)
    )
    asked = discord.slash(shop.customer, shop.channel, "mydownloads", order_id=orders.DOCUMENTED)
    await discord.until(lambda: asked.loading)

    listed = await discord.slash(shop.moderator, shop.channel, "claims order", order_id=orders.DOCUMENTED).done()
    assert listed.message is not None
    (option,) = discord.options(listed.message, "claims:choose")
    chosen = await discord.press(shop.moderator, listed.message, "claims:choose", [option]).done()
    await shop.press(shop.moderator, chosen.message, "Release")
    assert not [call for call in discord.calls if call.method == "DELETE"]
    await asked.done()

    assert "Order #1050" in asked.text
    assert buyer.id not in discord.backend.guilds[shop.guild_id].members[shop.customer].role_ids
    assert [call.method for call in discord.calls if f"/roles/{buyer.id}" in call.path][-2:] == ["PUT", "DELETE"]
    assert await bot.stop() == 0
