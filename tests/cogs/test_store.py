"""What a store owner sees: the panel and the setup."""

from datetime import timedelta
from typing import Any

import discord
import pytest
from desk import Desk, labels, page, reply
from simcord.backend.errors import SetupError
from simcord.backend.models import Overwrite
from simcord.builders import ChannelHandle
from simcord.enums import OverwriteType

from fileflare_bot.demo import orders
from fileflare_bot.interactions import permissions


async def test_the_panel_is_posted_and_its_button_outlives_a_restart(desk: Desk) -> None:
    result = await desk.owner.slash(desk.channel, "store panel")

    assert result.ephemeral
    assert "The panel is posted" in reply(result).content
    panel = desk.channel.last_message
    assert panel is not None
    assert labels(panel) == ["Get my downloads"]
    await desk.restart()
    shown = await desk.customer.click(panel, label="Get my downloads")
    filled = await desk.fill_in(shown, orders.DOCUMENTED)
    assert filled.ephemeral
    assert "Order #1050" in reply(filled).content


async def test_the_panel_speaks_the_servers_language(desk: Desk) -> None:
    desk.server_speaks("de")

    result = await desk.owner.slash(desk.channel, "store panel")

    assert "The panel is posted" in reply(result).content
    panel = desk.channel.last_message
    assert panel is not None
    assert labels(panel) == ["Meine Downloads"]


async def test_a_panel_that_is_posted_again_moves_to_the_bottom_and_the_old_one_goes(desk: Desk) -> None:
    def panels() -> list[int]:
        return [message.id for message in desk.channel.history() if message.embeds]

    other = desk.guild.create_text_channel("shop")
    await desk.owner.slash(other, "store panel")
    await desk.owner.slash(desk.channel, "store panel")
    first = panels()
    await desk.customer.send(desk.channel, "Hello!")
    await desk.env.advance_time(10)

    again = await desk.owner.slash(desk.channel, "store panel")

    assert reply(again).content == (
        "The panel is posted anew, at the bottom of its channel, and the old one is taken down. It follows what you "
        "change in /store setup."
    )
    assert len(panels()) == 1
    assert panels() > first
    assert desk.channel.history()[-1].id == panels()[0]
    assert len([message for message in other.history() if message.embeds]) == 1


async def test_a_panel_that_is_posted_again_moves_also_if_discords_clock_is_behind(desk: Desk) -> None:
    """A post that seems old looks through the recent messages; the panel from before is none of its tries."""
    desk.env.backend.clock._epoch -= timedelta(minutes=5)  # noqa: SLF001 - as of a computer whose clock is wrong
    await desk.owner.slash(desk.channel, "store panel")
    first = desk.channel.last_message
    assert first is not None
    await desk.member.send(desk.channel, "Hello.")

    again = await desk.owner.slash(desk.channel, "store panel")

    assert reply(again).content.startswith("The panel is posted anew, at the bottom of its channel")
    last = desk.channel.last_message
    assert last is not None
    assert last.id > first.id
    assert labels(last) == ["Get my downloads"]
    assert first.id not in [message.id for message in desk.channel.history()]


async def test_an_old_panel_that_cannot_be_taken_down_is_told_and_goes_later(desk: Desk) -> None:
    await desk.owner.slash(desk.channel, "store panel")
    await desk.env.advance_time(10)
    desk.env.inject_error("DELETE", f"/channels/{desk.channel.id}/messages/*", status=403, code=50013)

    again = await desk.owner.slash(desk.channel, "store panel")

    assert "Discord does not let me take the old one down yet" in reply(again).content
    await desk.later()
    assert len([message for message in desk.channel.history() if message.embeds]) == 1


async def test_members_without_manage_server_do_not_see_the_command(desk: Desk) -> None:
    with pytest.raises(SetupError, match="default-member-permissions"):
        await desk.customer.slash(desk.channel, "store panel")


async def test_an_override_in_integrations_does_not_lift_the_check(desk: Desk) -> None:
    stored = desk.env.backend.find_command("store", desk.guild.id, type=1)
    assert stored is not None
    stored["default_member_permissions"] = None

    result = await desk.customer.slash(desk.channel, "store panel")

    assert "Only people with the permission Manage Server" in reply(result).content
    assert result.ephemeral


async def test_missing_permissions_of_the_bot_are_named(desk: Desk) -> None:
    closed = desk.guild.create_text_channel(
        "closed",
        overwrites={desk.guild.default_role: discord.PermissionOverwrite(send_messages=False, embed_links=False)},
    )

    result = await desk.owner.slash(closed, "store panel")

    assert "Send Messages" in reply(result).content
    assert "Embed Links" in reply(result).content
    assert closed.last_message is None or closed.last_message.id == reply(result).id


def thread(desk: Desk, **state: bool) -> ChannelHandle:
    made = desk.env.backend.create_thread(desk.channel.id, "Orders", desk.owner.id)
    if state:
        desk.env.backend.edit_channel(made.id, {}, thread_metadata=state)
    return ChannelHandle(desk.env, desk.guild, made)


def deny(desk: Desk, **permissions: bool) -> None:
    """Take permissions in the channel from everybody."""
    denied = discord.PermissionOverwrite(**permissions).pair()[1].value
    overwrite = Overwrite(desk.guild.id, OverwriteType.ROLE, 0, denied)
    desk.env.backend.edit_channel(desk.channel.id, {}, overwrites=[overwrite])


async def test_in_a_thread_the_permission_for_threads_counts_and_no_other(desk: Desk) -> None:
    orders_thread = thread(desk)
    deny(desk, send_messages=False)
    posted = await desk.owner.slash(orders_thread, "store panel")
    assert "The panel is posted" in reply(posted).content

    deny(desk, send_messages_in_threads=False)
    refused = await desk.owner.slash(orders_thread, "store panel")
    assert reply(refused).content.endswith("then try again: Send Messages in Threads.")


@pytest.mark.parametrize("state", ["archived", "locked"])
async def test_a_closed_thread_is_said_to_be_closed(desk: Desk, state: str) -> None:
    closed = thread(desk, **{state: True})
    deny(desk, manage_threads=False)

    result = await desk.owner.slash(closed, "store panel")

    assert reply(result).content.startswith("**This thread is closed.**")
    assert not [message for message in closed.history() if message.embeds]


@pytest.mark.parametrize(
    ("status", "code", "said"),
    [
        (400, 50083, "**This thread is closed.**"),
        (400, 50035, "**Discord did not take the panel here.**"),
        (404, 10003, "**Discord did not take the panel here.**"),
        (403, 50013, "**I may not do that in this channel.**"),
    ],
)
async def test_a_panel_that_discord_refuses_is_not_called_a_fault_of_the_bot(
    desk: Desk, status: int, code: int, said: str
) -> None:
    desk.env.inject_error("POST", f"/channels/{desk.channel.id}/messages", status=status, code=code)

    result = await desk.owner.slash(desk.channel, "store panel")

    assert reply(result).content.startswith(said)


async def test_the_setup_saves_and_shows_each_choice_at_once(desk: Desk) -> None:
    role = desk.guild.create_role("Helpers", mentionable=True)
    setup = await desk.owner.slash(desk.channel, "store setup")
    assert setup.ephemeral
    assert page(setup).startswith(
        "## Setup\nEach choice is saved at once.\n"
        "⚠️ **Still missing: a channel for help requests.** Choose it below; until then, customers are told to ask the "
        "server's owner.\n"
        "⚠️ **Still missing: the panel** with the button for your customers. Press **Post the panel** below. If one is "
        "there already, press its button once.\n"
        "💡 **Worth adding: where your customers find their order link.** Press **The panel's words**, and fill "
        "in **Where do I find my order link?**\n"
    )

    await desk.owner.select(reply(setup), [desk.support], custom_id="store_setup:set:support_channel_id")
    await desk.owner.select(reply(setup), [desk.log_channel], custom_id="store_setup:set:log_channel_id")
    await desk.owner.select(reply(setup), [role], custom_id="store_setup:set:moderator_role_ids")
    await desk.owner.select(reply(setup), [role], custom_id="store_setup:set:ping_role_id")
    await desk.restart()
    shown = page(await desk.owner.slash(desk.channel, "store setup"))

    assert f"✅ Support channel: <#{desk.support.id}>" in shown
    assert f"✅ Log channel: <#{desk.log_channel.id}>" in shown
    assert f"✅ Role to ping: <@&{role.id}>" in shown
    assert shown.count("⚠️") == 1  # the panel
    assert desk.bot.storage.guilds.get(desk.guild.id).moderator_role_ids == (role.id,)


async def test_choosing_nothing_removes_a_choice(desk: Desk) -> None:
    await desk.set_up()
    setup = await desk.owner.slash(desk.channel, "store setup")

    cleared = await desk.owner.select(reply(setup), [], custom_id="store_setup:set:support_channel_id")

    assert "Still missing: a channel for help requests." in page(cleared)


@pytest.mark.parametrize("permission", permissions.SUPPORT_CHANNEL[1:])
async def test_each_permission_the_bot_lacks_in_the_support_channel_is_named(desk: Desk, permission: str) -> None:
    me = desk.bot.user
    assert me is not None
    hidden = discord.PermissionOverwrite(view_channel=False)
    lacking = discord.PermissionOverwrite(view_channel=True)
    lacking.update(**{permission: False})
    overwrites: Any = {desk.guild.default_role: hidden, me: lacking}
    closed = desk.guild.create_text_channel("closed", overwrites=overwrites)
    setup = await desk.owner.slash(desk.channel, "store setup")

    shown = await desk.owner.select(reply(setup), [closed], custom_id="store_setup:set:support_channel_id")

    named = permissions.names([permission])
    assert f"<#{closed.id}>\nI lack these permissions there: {named}" in page(shown)


async def test_a_support_channel_that_everybody_reads_and_a_role_that_cannot_be_pinged_are_warned_of(
    desk: Desk,
) -> None:
    quiet = desk.guild.create_role("Quiet")
    everybody = desk.guild.create_text_channel(
        "everybody", overwrites={desk.guild.default_role: discord.PermissionOverwrite(mention_everyone=False)}
    )
    await desk.had_stored(support_channel_id=everybody.id)
    setup = await desk.owner.slash(desk.channel, "store setup")

    shown = await desk.owner.select(reply(setup), [quiet], custom_id="store_setup:set:ping_role_id")

    assert f"**Everybody can read <#{everybody.id}>**" in page(shown)
    assert "I cannot ping this role" in page(shown)


async def test_a_choice_by_somebody_who_may_not_manage_the_server_changes_nothing(desk: Desk) -> None:
    await desk.set_up()

    refused = await desk.forge("store_setup:set:support_channel_id", desk.member, desk.channel)

    assert "Only people with the permission Manage Server" in reply(refused).content
    assert desk.bot.storage.guilds.get(desk.guild.id).support_channel_id == desk.support.id


async def test_everyone_cannot_be_made_a_moderator(desk: Desk) -> None:
    setup = await desk.owner.slash(desk.channel, "store setup")

    await desk.owner.select(reply(setup), [desk.guild.default_role], custom_id="store_setup:set:moderator_role_ids")

    assert desk.bot.storage.guilds.get(desk.guild.id).moderator_role_ids == ()
