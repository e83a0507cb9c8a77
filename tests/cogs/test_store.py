"""What a store owner sees: the panel."""

import discord
import pytest
from desk import Desk, answer, labels
from simcord.backend.errors import SetupError

from fileflare_bot.demo import orders


async def test_the_panel_is_posted_and_its_button_outlives_a_restart(desk: Desk) -> None:
    result = await desk.owner.slash(desk.channel, "store panel")

    assert result.ephemeral
    assert "The panel is posted" in answer(result).content
    panel = desk.channel.last_message
    assert panel is not None
    assert labels(panel) == ["Get my downloads"]
    await desk.restart()
    shown = await desk.customer.click(panel, label="Get my downloads")
    filled = await desk.fill_in(shown, orders.DOCUMENTED)
    assert filled.ephemeral
    assert "Order #1050" in answer(filled).content


async def test_the_panel_speaks_the_servers_language(desk: Desk) -> None:
    desk.server_speaks("de")

    result = await desk.owner.slash(desk.channel, "store panel")

    assert "The panel is posted" in answer(result).content
    panel = desk.channel.last_message
    assert panel is not None
    assert labels(panel) == ["Meine Downloads"]


async def test_members_without_manage_server_do_not_see_the_command(desk: Desk) -> None:
    with pytest.raises(SetupError, match="default-member-permissions"):
        await desk.customer.slash(desk.channel, "store panel")


async def test_an_override_in_integrations_does_not_lift_the_check(desk: Desk) -> None:
    stored = desk.env.backend.find_command("store", desk.guild.id, type=1)
    assert stored is not None
    stored["default_member_permissions"] = None

    result = await desk.customer.slash(desk.channel, "store panel")

    assert "Only people with the permission Manage Server" in answer(result).content
    assert result.ephemeral
    assert desk.env.errors


async def test_missing_permissions_of_the_bot_are_named(desk: Desk) -> None:
    closed = desk.guild.create_text_channel(
        "closed",
        overwrites={desk.guild.default_role: discord.PermissionOverwrite(send_messages=False, embed_links=False)},
    )

    result = await desk.owner.slash(closed, "store panel")

    assert "Send Messages" in answer(result).content
    assert "Embed Links" in answer(result).content
    assert closed.last_message is None or closed.last_message.id == answer(result).id
