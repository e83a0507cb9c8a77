"""Which roles buyers and moderators may have, and who may have the bot give them."""

import json

import discord
import pytest
from buyers import has, rule
from desk import Desk, embed, page, reply
from simcord.actors import MemberActor
from simcord.builders import RoleHandle

from fileflare_bot.demo import orders
from fileflare_bot.store.settings_file import exported


@pytest.fixture
def buyer(desk: Desk) -> RoleHandle:
    return desk.guild.create_role("Buyer")


POWERS = [
    *("administrator", "manage_guild", "manage_roles", "manage_channels", "manage_messages", "manage_threads"),
    *("manage_webhooks", "manage_nicknames", "manage_expressions", "manage_events", "kick_members", "ban_members"),
    *("moderate_members", "mention_everyone", "view_audit_log", "mute_members", "deafen_members", "move_members"),
]


@pytest.mark.parametrize("power", POWERS)
async def test_a_role_with_powers_makes_no_rule(desk: Desk, buyer: RoleHandle, power: str) -> None:
    strong = desk.guild.create_role("Strong", permissions=discord.Permissions(**{power: True}))

    first = await rule(desk, "any_order", strong)
    second = await desk.owner.slash(
        desk.channel, "store roles add", **{"match": "any_order", "role": buyer, "second-role": strong}
    )

    for refused in (first, second):
        assert reply(refused).content.startswith(f"**Buyers must not get the role <@&{strong.id}>.** It has these")
    assert desk.bot.storage.guilds.get(desk.guild.id).options.rules == ()


async def test_a_role_that_gains_powers_later_is_no_longer_given_and_the_owner_is_told(
    desk: Desk, buyer: RoleHandle
) -> None:
    await desk.set_up(log=True)
    await rule(desk, "any_order", buyer)
    desk.env.backend.edit_role(desk.guild.id, buyer.id, {"permissions": discord.Permissions(ban_members=True).value})
    await desk.env.settle()

    await desk.mydownloads(orders.DOCUMENTED)
    assert not has(desk, desk.customer, buyer)
    told = [str(line.embeds[0].description) for line in desk.log_channel.history()]
    assert sum(f"I do not give the role <@&{buyer.id}> to buyers" in line for line in told) == 1
    listed = await desk.owner.slash(desk.channel, "store roles list")
    assert "I do not give the role" in str(embed(listed).description)

    desk.env.backend.edit_role(desk.guild.id, buyer.id, {"permissions": 0})
    await desk.env.settle()
    await desk.later()
    assert has(desk, desk.customer, buyer)


def deputy(desk: Desk, *names: str, above: RoleHandle | None = None) -> MemberActor:
    """Return a member with Manage Server and these permissions, whose role is above another."""
    granted = discord.Permissions(**dict.fromkeys(("manage_guild", *names), True))
    role = desk.guild.create_role("Deputy", permissions=granted)
    if above is not None:
        position = desk.env.backend.get_guild(desk.guild.id).roles[above.id].position
        desk.env.backend.edit_role(desk.guild.id, role.id, {"position": position + 1})
    return desk.guild.add_member(desk.env.create_user("dana"), roles=[role])


async def test_only_who_may_give_a_role_makes_a_rule_for_it(desk: Desk) -> None:
    low = desk.guild.create_role("Low")
    dana = deputy(desk, "manage_roles", above=low)
    high = desk.guild.create_role("High")
    desk.env.backend.edit_role(desk.guild.id, high.id, {"position": 40})
    await desk.env.settle()

    refused = await dana.slash(desk.channel, "store roles add", match="product_id", role=high, value="1")
    both = await dana.slash(
        desk.channel, "store roles add", **{"match": "product_id", "role": low, "value": "1", "second-role": high}
    )
    allowed = await dana.slash(desk.channel, "store roles add", match="product_id", role=low, value="1")

    for result in (refused, both):
        assert reply(result).content.startswith(f"**You may not give the role <@&{high.id}>")
    assert reply(allowed).content.startswith("Saved.")
    (kept,) = desk.bot.storage.guilds.get(desk.guild.id).options.rules
    assert kept.role_ids == (low.id,)


async def test_a_refused_role_is_named_with_what_to_change(desk: Desk) -> None:
    low, high = desk.guild.create_role("Low"), desk.guild.create_role("High")
    apps = desk.guild.create_role("App")
    dana = deputy(desk, "manage_roles", above=low)
    edda = deputy(desk, above=low)
    desk.env.backend.edit_role(desk.guild.id, high.id, {"position": 40})
    desk.env.backend.get_guild(desk.guild.id).roles[apps.id].managed = True
    desk.env.backend.edit_role(desk.guild.id, apps.id, {"position": 1})
    await desk.env.settle()

    async def said(person: MemberActor, role: RoleHandle) -> str:
        given = await person.slash(desk.channel, "store roles add", match="product_id", role=role, value="1")
        return reply(given).content

    assert await said(dana, high) == (
        f"**You may not give the role <@&{high.id}>, so I do not give it for you.** It is not below your highest role: "
        "ask somebody with Manage Roles whose role is above it. The server's owner may always."
    )
    assert await said(edda, low) == (
        f"**You may not give the role <@&{low.id}>, so I do not give it for you.** You lack the permission Manage "
        "Roles: have somebody give it to one of your roles. The server's owner may always."
    )
    assert await said(desk.owner, apps) == (
        f"**Nobody can give the role <@&{apps.id}>:** it belongs to an app, to a subscription or to boosters. Make a "
        "role for your buyers under Server Settings > Roles, and choose that."
    )
    assert desk.bot.storage.guilds.get(desk.guild.id).options.rules == ()


async def test_a_role_is_never_both_for_buyers_and_for_moderators(desk: Desk, buyer: RoleHandle) -> None:
    """Every buyer would be a moderator; the owner is told at the choice, whichever comes first."""
    team = desk.guild.create_role("Our team")
    await desk.set_up(roles=[team])
    guilds = desk.bot.storage.guilds

    refused = await desk.owner.slash(
        desk.channel, "store roles add", **{"match": "any_order", "role": buyer, "second-role": team}
    )

    assert reply(refused).content.startswith(f"**Buyers must not get the role <@&{team.id}>:** it is a moderator role")
    assert guilds.get(desk.guild.id).options.rules == ()

    await desk.owner.slash(desk.channel, "store roles add", match="any_order", role=buyer)
    setup = await desk.owner.slash(desk.channel, "store setup")
    refused = await desk.owner.select(reply(setup), [team, buyer], custom_id="store_setup:set:moderator_role_ids")

    said = [reply(refused).content, *(each.content for each in refused.followups)][-1]
    assert said == (
        f"**The role <@&{buyer.id}> cannot be a moderator role:** buyers get it, by a rule in /store roles. "
        "Nothing was changed. Choose a role that only your team has; make one under Server Settings > Roles."
    )
    assert guilds.get(desk.guild.id).moderator_role_ids == (team.id,)


async def test_a_role_is_never_both_for_buyers_and_for_the_ping_of_help_requests(desk: Desk, buyer: RoleHandle) -> None:
    """Each help request would ping all buyers; a role that was stored before is named wherever the owner looks."""
    await desk.set_up()
    helpers = desk.guild.create_role("Helpers", mentionable=True)
    guilds, setup = desk.bot.storage.guilds, await desk.owner.slash(desk.channel, "store setup")
    await desk.owner.slash(desk.channel, "store roles add", match="any_order", role=buyer)
    said = "**The role <@&{role}> cannot be both the role to ping and a role for buyers:** each help request would ping"

    refused = await desk.owner.select(reply(setup), [buyer], custom_id="store_setup:set:ping_role_id")

    told = [reply(refused).content, *(each.content for each in refused.followups)][-1]
    assert told.startswith(said.format(role=buyer.id))
    assert guilds.get(desk.guild.id).ping_role_id is None
    await desk.owner.select(reply(setup), [helpers], custom_id="store_setup:set:ping_role_id")
    refused = await desk.owner.slash(desk.channel, "store roles add", match="any_order", role=helpers)
    assert reply(refused).content.startswith(said.format(role=helpers.id))
    assert len(guilds.get(desk.guild.id).options.rules) == 1

    desk.env.backend.edit_role(desk.guild.id, buyer.id, {"mentionable": True})
    await guilds.change(desk.guild.id, desk.owner.id, ping_role_id=buyer.id)
    line = f"⚠️ <@&{buyer.id}>: Buyers get this role, so each help request pings all of them: choose another to ping"
    setup = await desk.owner.slash(desk.channel, "store setup")
    assert line in page(setup)
    assert line in reply(await desk.owner.click(reply(setup), label="Check")).content
    assert line in str(embed(await desk.owner.slash(desk.channel, "store status")).description)


@pytest.mark.parametrize(("which", "why"), [("everyone", "everybody has it"), ("app", "Discord gives it by itself")])
async def test_a_role_that_nobody_is_given_by_the_team_makes_no_moderators(desk: Desk, which: str, why: str) -> None:
    app = desk.guild.create_role("Another app", managed=True)
    role_id = desk.guild.id if which == "everyone" else app.id
    setup = await desk.owner.slash(desk.channel, "store setup")

    refused = await desk.owner.select(
        reply(setup),
        [desk.guild.roles["@everyone"] if which == "everyone" else app],
        custom_id="store_setup:set:moderator_role_ids",
    )

    said = [reply(refused).content, *(each.content for each in refused.followups)][-1]
    assert said.startswith(f"**The role <@&{role_id}> cannot be a moderator role:** {why}")
    assert desk.bot.storage.guilds.get(desk.guild.id).moderator_role_ids == ()


async def test_a_role_of_an_app_is_not_given_to_buyers(desk: Desk) -> None:
    app = desk.guild.create_role("Another app", managed=True)

    refused = await desk.owner.slash(desk.channel, "store roles add", match="any_order", role=app)

    assert f"<@&{app.id}>" in str(reply(refused).content)
    assert desk.bot.storage.guilds.get(desk.guild.id).options.rules == ()


async def test_a_moderator_role_of_buyers_from_before_is_named_wherever_the_owner_looks(
    desk: Desk, buyer: RoleHandle
) -> None:
    await desk.set_up()
    await desk.owner.slash(desk.channel, "store roles add", match="any_order", role=buyer)
    await desk.bot.storage.guilds.change(desk.guild.id, desk.owner.id, moderator_role_ids=(buyer.id,))
    line = f"⚠️ **NOT SAFE: <@&{buyer.id}> is a moderator role, but buyers get it, by a rule in /store roles.**"

    setup = await desk.owner.slash(desk.channel, "store setup")

    assert line in page(setup)
    checked = reply(await desk.owner.click(reply(setup), label="Check")).content
    assert checked.startswith("**This needs fixing:**")
    assert line in checked
    assert line in str(embed(await desk.owner.slash(desk.channel, "store status")).description)


async def test_a_role_that_buyers_keep_from_a_rule_that_is_gone_makes_no_moderators(
    desk: Desk, buyer: RoleHandle
) -> None:
    """Taking a rule away takes its role from nobody; who held it before the bot's rule does not count."""
    await desk.set_up()
    guilds, team = desk.bot.storage.guilds, desk.guild.create_role("Helpers")
    desk.env.backend.add_member_role(desk.guild.id, desk.customer.id, team.id)
    await desk.env.settle()
    for role in (buyer, team):
        await rule(desk, "any_order", role)
    await desk.mydownloads(orders.DOCUMENTED)
    for _ in range(2):
        await desk.owner.slash(desk.channel, "store roles remove", rule="1")
    setup = await desk.owner.slash(desk.channel, "store setup")

    refused = await desk.owner.select(reply(setup), [buyer], custom_id="store_setup:set:moderator_role_ids")

    why = "buyers have it from me, though no rule in /store roles gives it any more"
    assert refused.followups[-1].content.startswith(f"**The role <@&{buyer.id}> cannot be a moderator role:** {why}.")
    guild = desk.bot.get_guild(desk.guild.id)
    assert guild is not None
    file = json.loads(exported(guilds.get(desk.guild.id), guild))
    content = json.dumps(file | {"moderator_roles": ["Buyer"]}).encode()
    imported = await desk.owner.slash(desk.channel, "store import", file=("settings.json", content))
    assert why in reply(imported).content
    assert guilds.get(desk.guild.id).moderator_role_ids == ()
    await desk.owner.select(reply(setup), [team], custom_id="store_setup:set:moderator_role_ids")
    assert guilds.get(desk.guild.id).moderator_role_ids == (team.id,)
    await guilds.change(desk.guild.id, desk.owner.id, moderator_role_ids=(team.id, buyer.id))
    line = f"⚠️ **NOT SAFE: <@&{buyer.id}> is a moderator role, but {why}.**"
    setup = await desk.owner.slash(desk.channel, "store setup")
    assert line in page(setup)
    assert line in reply(await desk.owner.click(reply(setup), label="Check")).content
    status = str(embed(await desk.owner.slash(desk.channel, "store status")).description)
    assert line in status
    assert f"NOT SAFE: <@&{team.id}>" not in status


async def test_manage_server_alone_makes_no_rule(desk: Desk, buyer: RoleHandle) -> None:
    dana = deputy(desk, above=buyer)
    await desk.env.settle()

    refused = await dana.slash(desk.channel, "store roles add", match="any_order", role=buyer)

    assert reply(refused).content.startswith(f"**You may not give the role <@&{buyer.id}>")
    assert desk.bot.storage.guilds.get(desk.guild.id).options.rules == ()


async def test_a_member_cannot_use_the_moderators_buttons(desk: Desk) -> None:
    refused = await desk.forge("claims:release:1:2:3", desk.member, desk.channel)

    assert reply(refused).content == "**Only this server's moderators can do that.**"


async def test_who_may_manage_roles_and_messages_but_not_the_server_adds_no_rule(desk: Desk, buyer: RoleHandle) -> None:
    almost = discord.Permissions.all()
    almost.administrator = almost.manage_guild = False
    deputy = desk.guild.add_member(
        desk.env.create_user("dana"), roles=[desk.guild.create_role("Deputy", permissions=almost)]
    )
    stored = desk.env.backend.find_command("store", desk.guild.id, type=1)
    assert stored is not None
    stored["default_member_permissions"] = None  # as an override in Integrations does

    for person in (deputy, desk.moderator, desk.customer):
        refused = await person.slash(desk.channel, "store roles add", match="any_order", role=buyer)
        assert reply(refused).content == "**Only people with the permission Manage Server can do that here.**"

    options = desk.bot.storage.guilds.get(desk.guild.id).options
    assert (options.rules, options.buyers_roles) == ((), False)


@pytest.mark.parametrize(
    ("trouble", "warning"),
    [
        ("above", "I may not give the role <@&{role}>: it is above mine."),
        ("no_right", "I may not give the role <@&{role}>: I lack the permission Manage Roles."),
        (None, None),
    ],
)
async def test_the_owner_is_warned_of_a_first_or_second_role_that_the_bot_cannot_give(
    desk: Desk, buyer: RoleHandle, trouble: str | None, warning: str | None
) -> None:
    role, me = desk.guild.create_role("Reader"), desk.bot.user
    assert me is not None
    match trouble:
        case "above":
            desk.env.backend.edit_role(desk.guild.id, role.id, {"position": 90})
        case "no_right":
            for role_id in desk.env.backend.get_guild(desk.guild.id).members[me.id].role_ids:
                desk.env.backend.edit_role(desk.guild.id, role_id, {"permissions": 0})
    await desk.env.settle()

    first = await rule(desk, "any_order", role)
    second = await desk.owner.slash(
        desk.channel, "store roles add", **{"match": "any_order", "role": buyer, "second-role": role}
    )

    for saved in (first, second):
        assert reply(saved).content.startswith("Saved.")
        warnings = [line for line in reply(saved).content.splitlines() if line.startswith("⚠️")]
        if warning is None:
            assert warnings == []
        else:
            assert any(warning.format(role=role.id) in line for line in warnings)


async def test_the_role_of_everybody_makes_no_rule(desk: Desk, buyer: RoleHandle) -> None:
    everyone = desk.guild.default_role

    first = await rule(desk, "any_order", everyone)
    second = await desk.owner.slash(
        desk.channel, "store roles add", **{"match": "any_order", "role": buyer, "second-role": everyone}
    )

    for refused in (first, second):
        assert reply(refused).content.startswith("**Everybody has the role @everyone already.**")
    listed = await desk.owner.slash(desk.channel, "store roles list")
    assert reply(listed).content == "Buyers' roles are off; see /store setup."
