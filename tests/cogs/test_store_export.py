"""/store export and /store import: from one server to another, what they take away, and what is refused."""

import json
from typing import Any

import discord
import pytest
from desk import Desk, embed, labels, log_lines, reply
from simcord.actors import MemberActor
from simcord.builders import ChannelHandle, GuildHandle
from simcord.results import InteractionResult

from fileflare_bot.demo import orders
from fileflare_bot.storage.options import Options
from fileflare_bot.store.settings_file import LARGEST_FILE


async def exported(desk: Desk) -> bytes:
    given = await desk.owner.slash(desk.channel, "store export")
    assert given.ephemeral
    (file,) = reply(given).attachments
    return await file.read()


async def bring(owner: MemberActor, channel: ChannelHandle, content: bytes) -> InteractionResult:
    """Import a file, and press the button if it is not refused."""
    asked = await owner.slash(channel, "store import", file=("settings.json", content))
    if "Replace my settings" not in labels(reply(asked)):
        return asked
    assert reply(asked).content.startswith("**Nothing is changed yet.**")
    return await owner.click(reply(asked), label="Replace my settings")


async def test_a_file_that_is_too_large_is_refused_unread(desk: Desk) -> None:
    refused = await bring(desk.owner, desk.channel, b" " * (LARGEST_FILE + 1))

    assert "is too large for a file of settings" in str(reply(refused).content)


def second_server(desk: Desk) -> tuple[GuildHandle, ChannelHandle, MemberActor]:
    owner = desk.env.create_user("otto")
    guild = desk.env.create_guild("The Other Shop", owner=owner)
    channel = guild.create_text_channel("general")
    desk.closed_channel("support", guild)
    guild.create_role("Buyers")
    return guild, channel, MemberActor(desk.env, guild, owner)


async def test_an_export_makes_another_server_behave_the_same(desk: Desk) -> None:
    role = desk.guild.create_role("Buyers")
    await desk.set_up(log=True)
    await desk.confirms_the_product()
    await desk.owner.slash(desk.channel, "store roles add", match="tag", role=role, value="books")
    shown = await desk.moderator.slash(desk.channel, "answers add", name="hi")
    await desk.moderator.submit_modal(shown, {"words": "Hello {customer}."})
    content = await exported(desk)
    guild, channel, owner = second_server(desk)

    told = await bring(owner, channel, content)

    assert "they are left out:\n• Log channel: log (stays as it is)\n" in reply(told).content
    there = desk.bot.storage.guilds.get(guild.id)
    assert there.support_channel_id == guild.channels["support"].id
    assert [answer.text for answer in there.canned_answers] == ["Hello {customer}."]
    buyer = guild.add_member(desk.env.create_user("bea"))
    await buyer.slash(channel, "mydownloads", **{"order-id": orders.DOCUMENTED})
    assert guild.roles["Buyers"].id in desk.env.backend.get_guild(guild.id).members[buyer.id].role_ids


async def test_an_import_keeps_the_channels_and_the_role_to_ping_if_the_file_names_others(desk: Desk) -> None:
    ping = desk.guild.create_role("Pingable")
    await desk.set_up(log=True)
    await desk.had_stored(ping_role_id=ping.id)
    before = desk.bot.storage.guilds.get(desk.guild.id)
    content = json.loads(await exported(desk)) | {
        "support_channel": "no-support",
        "log_channel": "no-such",
        "ping_role": "Nobody",
        "moderator_roles": ["Crew", "Staff"],
    }
    content["options"]["leak_guard"] = not before.options.leak_guard
    file = json.dumps(content).encode()

    asked = await desk.owner.slash(desk.channel, "store import", file=("settings.json", file))

    told = str(embed(asked).description)
    assert "→ none" not in told
    lacking = (
        "⚠️ This server has none of these, so they are left out:\n• Moderator roles: Crew, Staff\n"
        "• Support channel: no-support (stays as it is)\n• Log channel: no-such (stays as it is)\n"
        "• Role to ping: Nobody (stays as it is)"
    )
    assert told.endswith(lacking)
    done = await desk.owner.click(reply(asked), label="Replace my settings")
    assert lacking in reply(done).content
    stored = desk.bot.storage.guilds.get(desk.guild.id)
    for setting in ("support_channel_id", "log_channel_id", "ping_role_id"):
        assert getattr(stored, setting) == getattr(before, setting)
    assert reply(done).content.startswith("What this server has of it is set as the file says.")
    again = await desk.owner.slash(desk.channel, "store import", file=("settings.json", file))
    assert reply(again).content.startswith("**What this server has of it is set already.** There is nothing to change.")
    assert stored.options.leak_guard is not before.options.leak_guard


async def test_an_import_says_first_what_it_takes_away_and_overwrites(desk: Desk) -> None:
    role = desk.guild.create_role("Buyers")
    await desk.set_up(log=True)
    content = await exported(desk)
    await desk.confirms_the_product()
    await desk.owner.slash(desk.channel, "store roles add", match="tag", role=role, value="books")
    for name in ("hi", "bye"):
        shown = await desk.moderator.slash(desk.channel, "answers add", name=name)
        await desk.moderator.submit_modal(shown, {"words": "Hello."})
    changed = json.loads(content)
    changed["answers"] = [{"name": "hi", "text": "Hello!"}, {"name": "new", "text": "Hello?"}]
    changed["options"]["wording"]["title"] = "Your books"
    before = desk.bot.storage.guilds.get(desk.guild.id)

    asked = await desk.owner.slash(desk.channel, "store import", file=("settings.json", json.dumps(changed).encode()))

    told = embed(asked).description
    assert told == (
        "• The panel's words: Title\n• Buyers' roles: on → off\n"
        f"⚠️ Rules for buyers' roles: taken away: tag `books` → <@&{role.id}>\n"
        "• Confirmed products: taken away: My new Book `123456`\n• Saved answers: taken away: bye; added: new\n"
        "• Saved answers that get another text: hi"
    )
    assert reply(asked).content.endswith("gone. Use /store export first if you may want to go back.")
    assert desk.bot.storage.guilds.get(desk.guild.id) == before
    done = await desk.owner.click(reply(asked), label="Replace my settings")
    assert reply(done).content == "Everything is set as the file says.\nLook it over with /store setup."
    assert [answer.name for answer in desk.bot.storage.guilds.get(desk.guild.id).canned_answers] == ["hi", "new"]
    done_so = str(told).replace("⚠️", "•")
    assert (
        log_lines(desk)[-1] == f"<@{desk.owner.id}> changed the bot's setup.\nBy a file, with /store import:\n{done_so}"
    )
    again = await desk.owner.slash(desk.channel, "store import", file=("settings.json", json.dumps(changed).encode()))
    assert reply(again).content == "**Your settings are as the file says already.** There is nothing to change."

    await desk.restart()
    forgotten = await desk.forge("store:import:1", desk.owner, desk.channel)
    assert reply(forgotten).content.startswith("**I do not have that file any more.** Nothing is changed.")


@pytest.mark.parametrize("permission", ["administrator", "ban_members"])
async def test_an_import_brings_no_role_with_powers(desk: Desk, permission: str) -> None:
    role = desk.guild.create_role("Buyers")
    await desk.owner.slash(desk.channel, "store roles add", match="product_id", role=role, value="1")
    content = await exported(desk)
    guild, channel, owner = second_server(desk)
    granted = discord.Permissions(**{permission: True}).value
    desk.env.backend.edit_role(guild.id, guild.roles["Buyers"].id, {"permissions": granted})
    await desk.env.settle()

    refused = await bring(owner, channel, content)

    assert reply(refused).content.startswith(f"**Buyers must not get the role <@&{guild.roles['Buyers'].id}>.**")
    assert (await desk.bot.storage.guilds.load(guild.id)).options == Options()


async def test_an_import_makes_no_role_both_a_buyers_and_a_moderators(desk: Desk) -> None:
    role = desk.guild.create_role("Buyers")
    await desk.owner.slash(desk.channel, "store roles add", match="any_order", role=role)
    content = json.loads(await exported(desk)) | {"moderator_roles": ["Buyers"]}
    before = desk.bot.storage.guilds.get(desk.guild.id)

    refused = await bring(desk.owner, desk.channel, json.dumps(content).encode())

    assert reply(refused).content.startswith(f"**The role <@&{role.id}> cannot be a moderator role:** buyers get it")
    assert desk.bot.storage.guilds.get(desk.guild.id) == before


@pytest.mark.parametrize("products", [True, False])
async def test_who_may_not_give_a_role_imports_no_rule_for_it_and_no_product(desk: Desk, *, products: bool) -> None:
    role = desk.guild.create_role("Buyers")
    await desk.owner.slash(desk.channel, "store roles add", match="any_order", role=role)
    content = json.loads(await exported(desk))
    if products:  # of a shop of their own, for a rule that is there already
        content["options"]["products"] = [{"product_id": "666"}]
    else:
        content["rules"] = [{"match": "product_id", "value": "666", "roles": ["Buyers"]}]
    deputies = desk.guild.create_role("Deputy", permissions=discord.Permissions(manage_guild=True))
    deputy = desk.guild.add_member(desk.env.create_user("dana"), roles=[deputies])
    before = desk.bot.storage.guilds.get(desk.guild.id)

    refused = await bring(deputy, desk.channel, json.dumps(content).encode())

    assert reply(refused).content.startswith(
        ("**You may not give the role", "**Only people with the permission Manage")
    )
    assert desk.bot.storage.guilds.get(desk.guild.id) == before


@pytest.mark.parametrize(
    ("change", "named"),
    [
        (lambda content: content | {"version": 99}, "`version`"),
        (lambda content: content | {"secret": "x"}, "`secret`"),
        (lambda content: content | {"options": {"accounts_per_order": -1}}, "`options.accounts_per_order`"),
        (lambda content: content | {"answers": [{"name": "a", "text": "{0.__class__}"}]}, "`answers.0.text`"),
        (lambda content: content | {"moderator_roles": ["x"] * 999}, "`moderator_roles`"),
        (lambda content: content | {"options": {"wording": {"account_url": "javascript:alert(1)"}}}, "account_url"),
    ],
)
async def test_a_broken_or_hostile_import_changes_nothing_and_says_why(desk: Desk, change: Any, named: str) -> None:  # noqa: ANN401
    await desk.set_up(log=True)
    before = desk.bot.storage.guilds.get(desk.guild.id)
    changed = change(json.loads(await exported(desk)))

    refused = await bring(desk.owner, desk.channel, json.dumps(changed).encode())

    assert reply(refused).content.startswith("**Nothing was changed:** ")
    assert named in reply(refused).content
    assert desk.bot.storage.guilds.get(desk.guild.id) == before


async def test_a_file_of_settings_that_discord_has_no_more_changes_nothing_and_says_so(
    desk: Desk, monkeypatch: pytest.MonkeyPatch
) -> None:
    content = await exported(desk)
    monkeypatch.setattr(desk.env.backend.cdn, "get", lambda _url: None)

    refused = await bring(desk.owner, desk.channel, content)

    assert reply(refused).content.startswith("**Nothing was changed:** ")
    assert "attach it again" in reply(refused).content


async def test_an_export_holds_no_secret(desk: Desk) -> None:
    await desk.set_up(log=True)
    await desk.ask_for_help()
    content = (await exported(desk)).decode()

    for secret in (orders.USED_UP, "casey", "nothing left", str(desk.customer.id)):
        assert secret not in content


async def test_a_file_cannot_bring_a_channel_that_everybody_can_read_but_keeps_one_that_is_set(desk: Desk) -> None:
    await desk.had_stored(support_channel_id=desk.channel.id)
    content = json.loads(await exported(desk))
    before = desk.bot.storage.guilds.get(desk.guild.id)

    file = json.dumps(content | {"log_channel": "downloads"}).encode()
    refused = await desk.owner.slash(desk.channel, "store import", file=("settings.json", file))

    assert reply(refused).content == (
        "**Nothing was changed:** **Log channel** names #downloads, which customers can read; it must be one that only "
        "your team sees."
    )
    assert labels(reply(refused)) == []
    assert desk.bot.storage.guilds.get(desk.guild.id) == before
    told = await bring(desk.owner, desk.channel, json.dumps(content | {"log_channel": "log"}).encode())
    assert reply(told).content.startswith("Everything is set as the file says.")
    assert desk.bot.storage.guilds.get(desk.guild.id).support_channel_id == desk.channel.id


async def test_a_channel_that_was_opened_meanwhile_is_refused_at_the_button(desk: Desk) -> None:
    content = json.loads(await exported(desk)) | {"log_channel": "log"}
    asked = await desk.owner.slash(desk.channel, "store import", file=("settings.json", json.dumps(content).encode()))
    desk.env.backend.edit_channel(desk.log_channel.id, {}, overwrites=[])
    await desk.env.settle()

    refused = await desk.owner.click(reply(asked), label="Replace my settings")

    said = [reply(refused).content, *(each.content for each in refused.followups)][-1]
    assert said.startswith("**Nothing was changed:** **Log channel** names #log, which customers can read;")
    assert desk.bot.storage.guilds.get(desk.guild.id).log_channel_id is None
