"""Buyers' roles: which orders bring which roles, who can claim an order, and why a role cannot be given."""

import asyncio
import json

import discord
import pytest
from desk import Desk, embed, first_option, page, reply
from simcord.actors import MemberActor
from simcord.builders import RoleHandle
from simcord.results import InteractionResult

from fileflare_bot.demo import orders
from fileflare_bot.storage.options import MOST_RULES, Match, Options, RoleRule, StoreProduct
from fileflare_bot.storage.records import SeenProduct
from fileflare_bot.store.settings_file import exported


async def rule(desk: Desk, match: str, role: RoleHandle, value: str | None = None) -> InteractionResult:
    """Add a rule as the owner, who has confirmed the product of the sample orders."""
    await desk.confirms_the_product()
    return await desk.owner.slash(
        desk.channel, "store roles add", match=match, role=role, **({} if value is None else {"value": value})
    )


def has(desk: Desk, person: MemberActor, role: RoleHandle) -> bool:
    return role.id in desk.env.backend.get_guild(desk.guild.id).members[person.id].role_ids


def granted(desk: Desk) -> int:
    return len([call for call in desk.env.http_requests if call.method == "PUT" and "/roles/" in call.path])


@pytest.fixture
def buyer(desk: Desk) -> RoleHandle:
    return desk.guild.create_role("Buyer")


@pytest.mark.parametrize(
    ("match", "value", "brings"),
    [
        ("any_order", None, True),
        ("product_id", "123456", True),
        ("product_id", "999", False),
        ("variant_id", "1234563", True),
        ("sku", "my-sku", True),
        ("sku", "MY-SKU", False),
        ("tag", "books", True),
        ("vendor", "my-store", True),
        ("vendor", "another", False),
    ],
)
async def test_each_kind_of_match_brings_its_role_exactly_where_it_matches(
    desk: Desk, buyer: RoleHandle, match: str, value: str | None, *, brings: bool
) -> None:
    saved = await rule(desk, match, buyer, value)
    assert f"<@&{buyer.id}>" in reply(saved).content

    shown = await desk.mydownloads(orders.DOCUMENTED)

    assert has(desk, desk.customer, buyer) is brings
    assert reply(shown).content.endswith("\nNew role for you: **Buyer**") is brings


async def test_several_roles_come_at_once_and_none_is_granted_twice(desk: Desk, buyer: RoleHandle) -> None:
    reader = desk.guild.create_role("Reader")
    await rule(desk, "tag", buyer, "books")
    await desk.owner.slash(
        desk.channel, "store roles add", **{"match": "any_order", "role": buyer, "second-role": reader}
    )

    first = await desk.mydownloads(orders.DOCUMENTED)
    again = await desk.mydownloads(orders.DOCUMENTED)
    await desk.customer.click(reply(again), label="Refresh")

    assert reply(first).content.endswith("\nNew roles for you: **Buyer**, **Reader**")
    assert "New role" not in reply(again).content
    assert granted(desk) == 2


@pytest.mark.parametrize("token", [orders.EMPTY, orders.UNKNOWN])
async def test_a_failed_or_empty_order_brings_nothing_and_is_not_claimed(
    desk: Desk, buyer: RoleHandle, token: str
) -> None:
    await rule(desk, "any_order", buyer)

    await desk.mydownloads(token)

    assert not has(desk, desk.customer, buyer)
    assert await desk.bot.storage.claims.of_user(desk.guild.id, desk.customer.id) == []


async def test_a_second_account_on_an_order_gets_links_but_no_role_and_is_told_so(
    desk: Desk, buyer: RoleHandle
) -> None:
    await rule(desk, "any_order", buyer)
    await desk.mydownloads(orders.DOCUMENTED)

    shown = await desk.mydownloads(orders.DOCUMENTED, person=desk.member)

    assert "5 of 10 left" in str(embed(shown).description)
    assert str(embed(shown).fields[0].value).startswith(
        "Another account here uses this order already, so it brings you no role. Whoever has its link opens the same "
        "files and shares the same downloads."
    )
    assert not has(desk, desk.member, buyer)


async def test_moderators_see_that_another_account_holds_the_order_until_it_is_released(
    desk: Desk, buyer: RoleHandle
) -> None:
    held = "In use by"
    await desk.set_up()
    await rule(desk, "any_order", buyer)
    await desk.mydownloads(orders.DOCUMENTED)
    await desk.ask_for_help(orders.DOCUMENTED, person=desk.member)
    assert held in str(desk.card().embeds[0].description)

    await desk.press("Check again")
    assert held in str(desk.card().embeds[0].description)
    await release(desk)
    await desk.press("Check again")

    assert held not in str(desk.card().embeds[0].description)


async def test_a_second_account_is_refused_where_the_owner_wants_it_and_can_ask_for_help(
    desk: Desk, buyer: RoleHandle
) -> None:
    await desk.set_up()
    await rule(desk, "any_order", buyer)
    setup = await desk.owner.slash(desk.channel, "store setup")
    await desk.owner.select(reply(setup), ["refuse"], custom_id="store_setup:later")
    await desk.mydownloads(orders.DOCUMENTED)

    refused = await desk.mydownloads(orders.DOCUMENTED, person=desk.member)

    assert reply(refused).content.startswith("**This order is already in use by another account here.**")
    assert "/download/" not in str(reply(refused).components)
    shown = await desk.member.click(reply(refused), label="Get help")
    await desk.member.submit_modal(shown, {"topic": "other", "words": "It is my order!"})
    assert "In use by" in str(desk.card().embeds[0].description)


async def test_when_fifty_accounts_open_an_order_at_once_exactly_as_many_as_allowed_claim_it(
    desk: Desk, buyer: RoleHandle
) -> None:
    await rule(desk, "any_order", buyer)
    server = desk.bot.storage.guilds.get(desk.guild.id)
    options = server.options.model_copy(update={"accounts_per_order": 3})
    await desk.bot.storage.guilds.change(desk.guild.id, desk.owner.id, options=options)
    people = [desk.guild.add_member(desk.env.create_user(f"person-{number}")) for number in range(50)]

    await desk.all_at_once([(person, orders.DOCUMENTED) for person in people])

    assert sum(has(desk, person, buyer) for person in people) == 3


@pytest.mark.parametrize("trouble", ["above", "gone", "forbidden", "no_right"])
async def test_a_role_that_cannot_be_given_is_reported_to_the_owner_once_and_not_to_the_customer(
    desk: Desk, buyer: RoleHandle, trouble: str
) -> None:
    await desk.set_up(log=True)
    await rule(desk, "any_order", buyer)
    match trouble:
        case "gone":
            desk.env.backend.delete_role(desk.guild.id, buyer.id)
        case "forbidden":
            desk.env.inject_error("PUT", "/guilds/*/members/*/roles/*", status=403, code=50013, times=None)
        case "above":
            desk.env.backend.edit_role(desk.guild.id, buyer.id, {"position": 90})
        case _:
            me = desk.bot.user
            assert me is not None
            everybody = discord.Permissions(
                view_channel=True, send_messages=True, embed_links=True, use_application_commands=True
            )
            for role_id in [desk.guild.id, *desk.env.backend.get_guild(desk.guild.id).members[me.id].role_ids]:
                desk.env.backend.edit_role(desk.guild.id, role_id, {"permissions": everybody.value})
    await desk.env.settle()

    shown = await desk.mydownloads(orders.DOCUMENTED)
    await desk.mydownloads(orders.DOCUMENTED)

    assert "5 of 10 left" in str(embed(shown).description)
    assert "New role" not in reply(shown).content
    told = [
        str(line.embeds[0].description) for line in desk.log_channel.history() if "⚠️" in str(line.embeds[0].description)
    ]
    assert len(told) == 1
    assert f"<@&{buyer.id}>" in told[0]


async def test_releasing_a_claim_removes_the_role_and_the_next_account_can_claim_the_order(
    desk: Desk, buyer: RoleHandle
) -> None:
    await rule(desk, "any_order", buyer)
    await desk.mydownloads(orders.DOCUMENTED)
    assert has(desk, desk.customer, buyer)

    listed = await desk.moderator.slash(desk.channel, "claims order", **{"order-id": orders.DOCUMENTED})
    assert f"My new Book** · <@{desk.customer.id}>" in str(embed(listed).description)
    chosen = await desk.moderator.select(reply(listed), [first_option(listed)], custom_id="claims:choose")
    released = await desk.moderator.click(reply(chosen), label="Release")

    assert reply(released).content == (
        r"**\#1050 · My new Book is free now:** the next account that opens it holds it. "
        f"<@{desk.customer.id}> no longer has <@&{buyer.id}>."
    )
    assert not has(desk, desk.customer, buyer)
    await desk.mydownloads(orders.DOCUMENTED, person=desk.member)
    assert has(desk, desk.member, buyer)


async def release(desk: Desk, token: str = orders.DOCUMENTED) -> InteractionResult:
    listed = await desk.moderator.slash(desk.channel, "claims order", **{"order-id": token})
    chosen = await desk.moderator.select(reply(listed), [first_option(listed)], custom_id="claims:choose")
    return await desk.moderator.click(reply(chosen), label="Release")


async def test_a_role_that_the_member_had_before_stays_when_their_claim_is_released(
    desk: Desk, buyer: RoleHandle
) -> None:
    await rule(desk, "any_order", buyer)
    desk.env.backend.add_member_role(desk.guild.id, desk.customer.id, buyer.id)
    await desk.env.settle()
    await desk.mydownloads(orders.DOCUMENTED)

    await release(desk)

    assert has(desk, desk.customer, buyer)


async def test_a_role_that_two_orders_bring_stays_until_the_second_is_released(desk: Desk, buyer: RoleHandle) -> None:
    await rule(desk, "any_order", buyer)
    for token in (orders.DOCUMENTED, orders.USED_UP):
        await desk.mydownloads(token)

    await release(desk)
    assert has(desk, desk.customer, buyer)
    await release(desk, orders.USED_UP)
    assert not has(desk, desk.customer, buyer)


async def test_a_role_that_could_not_be_given_is_not_taken_from_who_gets_it_by_hand(
    desk: Desk, buyer: RoleHandle
) -> None:
    await rule(desk, "any_order", buyer)
    desk.env.inject_error("PUT", "/guilds/*/members/*/roles/*", status=403, code=50013)
    shown = await desk.mydownloads(orders.DOCUMENTED)
    assert "New role" not in reply(shown).content
    desk.env.backend.add_member_role(desk.guild.id, desk.customer.id, buyer.id)
    await desk.env.settle()

    await release(desk)

    assert has(desk, desk.customer, buyer)


async def test_moving_a_claim_moves_its_role(desk: Desk, buyer: RoleHandle) -> None:
    await rule(desk, "any_order", buyer)
    await desk.owner.slash(desk.channel, "store panel")
    panel = desk.channel.last_message
    assert panel is not None
    await desk.mydownloads(orders.DOCUMENTED)

    moved = await move(desk, desk.owner)

    assert reply(moved).content == f"The order counts for <@{desk.member.id}> now. Its roles have moved with it."
    assert not has(desk, desk.customer, buyer)
    assert has(desk, desk.member, buyer)
    desk.env.backend.remove_member_role(desk.guild.id, desk.member.id, buyer.id)
    await desk.env.settle()
    restored = await desk.member.click(panel, label="Restore my roles")
    assert reply(restored).content == f"Welcome back! You have again: <@&{buyer.id}>"
    nothing = await desk.customer.click(panel, label="Restore my roles")
    assert reply(nothing).content.startswith("You have all the roles that I know of.")


async def move(desk: Desk, actor: MemberActor) -> InteractionResult:
    """Move the customer's claim to the other member."""
    listed = await actor.slash(desk.channel, "claims person", person=desk.customer)
    chosen = await actor.select(reply(listed), [first_option(listed)], custom_id="claims:choose")
    shown = await actor.click(reply(chosen), label="Move to another account")
    return await actor.submit_modal(shown, {"person": [desk.member]})


async def test_a_moderator_who_may_not_give_a_role_does_not_move_it_to_anybody(desk: Desk, buyer: RoleHandle) -> None:
    await rule(desk, "any_order", buyer)
    await desk.mydownloads(orders.DOCUMENTED)

    refused = await move(desk, desk.moderator)

    assert reply(refused).content.startswith(
        "**Press Release instead, and have the customer open the order in this server"
    )
    assert has(desk, desk.customer, buyer)
    assert not has(desk, desk.member, buyer)
    assert [claim.user_id for claim in await desk.bot.storage.claims.of_user(desk.guild.id, desk.customer.id)]


async def test_rules_are_suggested_from_what_was_seen_listed_tested_and_removed(desk: Desk, buyer: RoleHandle) -> None:
    await rule(desk, "any_order", buyer)
    await desk.mydownloads(orders.DOCUMENTED)

    offered = await desk.owner.autocomplete(desk.channel, "store roles add", "value", "hard", match="variant_id")
    assert offered == [{"name": "My new Book — Hard back", "value": "1234563"}]
    listed = await desk.owner.slash(desk.channel, "store roles list")
    assert embed(listed).description == f"**1.** any order → <@&{buyer.id}>"
    tested = await desk.owner.slash(desk.channel, "store roles test", **{"order-id": orders.USED_UP})
    assert embed(tested).description == f"It brings: <@&{buyer.id}>\n**1.** any order → <@&{buyer.id}>"
    removed = await desk.owner.slash(desk.channel, "store roles remove", rule="1")
    assert reply(removed).content.startswith("Removed: any order")
    refused = await desk.owner.slash(desk.channel, "store roles remove", rule="1")
    assert reply(refused).content == (
        "**There is no rule number 1.** Choose one that I suggest, or its number in /store roles list."
    )


async def test_a_chosen_rule_is_removed_whatever_its_number_is_by_then(desk: Desk, buyer: RoleHandle) -> None:
    for tag in ("books", "prints", "maps"):
        await rule(desk, "tag", buyer, tag)
    offered = await desk.owner.autocomplete(desk.channel, "store roles remove", "rule", "")
    named = ["1. tag books → Buyer", "2. tag prints → Buyer", "3. tag maps → Buyer"]
    assert [each["name"] for each in offered] == named
    (prints,) = await desk.owner.autocomplete(desk.channel, "store roles remove", "rule", "PRINTS")
    assert prints == offered[1]

    removed = await desk.owner.slash(desk.channel, "store roles remove", rule=prints["value"])
    again = await desk.owner.slash(desk.channel, "store roles remove", rule=prints["value"])

    assert reply(removed).content == f"Removed: tag `prints` → <@&{buyer.id}>"
    assert reply(again).content.startswith("**There is no such rule any more.**")
    rules = desk.bot.storage.guilds.get(desk.guild.id).options.rules
    assert [each.value for each in rules] == ["books", "maps"]


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


async def test_a_rule_too_many_or_without_a_value_changes_nothing(desk: Desk, buyer: RoleHandle) -> None:
    rules = [RoleRule(match=Match.TAG, value=f"tag {number}", role_ids=(buyer.id,)) for number in range(MOST_RULES)]
    await desk.confirms_the_product()
    products = desk.bot.storage.guilds.get(desk.guild.id).options.products
    before = await desk.bot.storage.guilds.change(
        desk.guild.id, desk.owner.id, options=Options(rules=tuple(rules), products=products)
    )

    many = await rule(desk, "any_order", buyer)
    incomplete = [reply(await rule(desk, match, buyer)).content for match in ("tag", "product_id")]

    assert reply(many).content == "**There are 25 rules already.** Remove one first."
    assert incomplete[0] == "**Which tag?** Fill in `value`."
    assert incomplete[1].startswith("**Which product?** Fill in `value`;")
    assert await desk.bot.storage.guilds.load(desk.guild.id) == before


async def test_a_rule_that_is_added_again_is_there_once(desk: Desk, buyer: RoleHandle) -> None:
    await rule(desk, "any_order", buyer)
    await rule(desk, "tag", buyer, "books")

    again = await rule(desk, "any_order", buyer)

    assert reply(again).content.startswith(
        "This rule is there already. Whoever opens such an order here gets the role:\nany order"
    )
    listed = await desk.owner.slash(desk.channel, "store roles list")
    assert len(str(embed(listed).description).splitlines()) == 2


async def test_while_the_database_is_away_orders_give_links_without_roles(
    desk: Desk, buyer: RoleHandle, monkeypatch: pytest.MonkeyPatch
) -> None:
    await rule(desk, "any_order", buyer)

    def away(*_arguments: object) -> None:
        raise ConnectionRefusedError

    monkeypatch.setattr(desk.bot.storage._database, "_sessions", away)  # noqa: SLF001 - the fault itself
    shown = await desk.mydownloads(orders.DOCUMENTED)
    await asyncio.sleep(0)

    assert "5 of 10 left" in str(embed(shown).description)
    assert not has(desk, desk.customer, buyer)


async def test_if_discord_drops_the_role_the_links_come_at_once_and_the_role_the_next_time(
    desk: Desk, buyer: RoleHandle
) -> None:
    await rule(desk, "any_order", buyer)
    desk.env.inject_error("PUT", "/guilds/*/members/*/roles/*", status=503)

    first = await desk.mydownloads(orders.DOCUMENTED)
    again = await desk.mydownloads(orders.DOCUMENTED)

    assert "5 of 10 left" in str(embed(first).description)
    assert "New role" not in reply(first).content
    assert reply(again).content.endswith("\nNew role for you: **Buyer**")


ADMIN = "https://admin.shopify.com/store/my-store/products"


@pytest.mark.parametrize(
    ("match", "value"),
    [
        ("product_id", "wallpaper"),
        ("product_id", "nonexistent thing"),
        ("product_id", f"{ADMIN}?query=books"),
        ("product_id", "https://my-store.com/products/2024-calendar"),
        ("variant_id", f"{ADMIN}/123456"),
        ("variant_id", "Hard back"),
    ],
)
async def test_a_rule_for_what_is_no_number_of_a_product_or_variant_is_refused(
    desk: Desk, buyer: RoleHandle, match: str, value: str
) -> None:
    refused = await rule(desk, match, buyer, value)

    assert reply(refused).content == (
        "**That is not Shopify's number of a product or variant, so no order would match it.** Choose one of those "
        "that I suggest while you type `value`, or paste its address from Shopify's admin. /store products makes me "
        "know yours."
    )
    assert desk.bot.storage.guilds.get(desk.guild.id).options.rules == ()


@pytest.mark.parametrize(
    ("match", "value", "number"),
    [
        ("product_id", f"{ADMIN}/123456", "123456"),
        ("product_id", f" {ADMIN}/123456?link_source=search", "123456"),
        ("product_id", f"{ADMIN}/123456/variants/1234563", "123456"),
        ("variant_id", f"{ADMIN}/123456/variants/1234563", "1234563"),
    ],
)
async def test_the_number_of_a_product_is_taken_out_of_its_admin_address(
    desk: Desk, buyer: RoleHandle, match: str, value: str, number: str
) -> None:
    saved = await rule(desk, match, buyer, value)

    assert f"`{number}` → <@&{buyer.id}>" in reply(saved).content
    await desk.mydownloads(orders.DOCUMENTED)
    assert has(desk, desk.customer, buyer)


async def test_the_exact_name_of_a_confirmed_product_stands_for_its_number(desk: Desk, buyer: RoleHandle) -> None:
    saved = await rule(desk, "product_id", buyer, " my new book")

    assert f"product **My new Book** `123456` → <@&{buyer.id}>" in reply(saved).content
    both = tuple(StoreProduct(product_id=number, name="Twin") for number in ("1", "2"))
    await desk.bot.storage.guilds.change(desk.guild.id, desk.owner.id, options=Options(products=both))
    twice = await desk.owner.slash(desk.channel, "store roles add", match="product_id", role=buyer, value="Twin")
    assert reply(twice).content.startswith("**That is not Shopify's number")


async def test_the_name_of_a_product_that_anybody_brought_does_not_stand_for_its_number(
    desk: Desk, buyer: RoleHandle
) -> None:
    await desk.mydownloads(orders.DOCUMENTED)

    refused = await desk.owner.slash(
        desk.channel, "store roles add", match="product_id", role=buyer, value="My new Book"
    )

    assert reply(refused).content.startswith("**That is not Shopify's number")


async def test_a_rule_for_a_product_that_no_order_had_is_saved_and_named(desk: Desk, buyer: RoleHandle) -> None:
    unseen = "⚠️ I have not seen this product here yet: try /store roles test with an order of it."

    saved = [await rule(desk, "product_id", buyer, number) for number in ("999", "123456")]

    assert [unseen in reply(each).content for each in saved] == [True, False]
    await desk.bot.storage.products.see(desk.guild.id, desk.owner.id, [SeenProduct("999", "Scarf", "")])
    assert unseen not in reply(await rule(desk, "product_id", buyer, "999")).content
    assert unseen not in reply(await rule(desk, "tag", buyer, "nothing")).content


async def test_a_rule_for_a_tag_that_no_order_had_is_saved_and_named_once_tags_were_seen(
    desk: Desk, buyer: RoleHandle
) -> None:
    unseen = "⚠️ No order here had this yet: check the spelling, or try /store roles test with an order of it."
    assert unseen not in reply(await rule(desk, "tag", buyer, "boks")).content
    await desk.mydownloads(orders.DOCUMENTED)

    for match, value, named in (
        ("tag", "bocks", True),
        ("tag", "BOOKS", False),
        ("sku", "MY-SKU", True),
        ("sku", "my-sku", False),
        ("variant_id", "999", True),
        ("any_order", None, False),
    ):
        assert (unseen in reply(await rule(desk, match, buyer, value)).content) is named, (match, value)


async def test_the_test_of_the_rules_names_those_that_bring_a_role(desk: Desk, buyer: RoleHandle) -> None:
    reader = desk.guild.create_role("Reader")
    for match, role, value in (("tag", reader, "other"), ("any_order", buyer, None), ("tag", buyer, "books")):
        await rule(desk, match, role, value)

    tested = await desk.owner.slash(desk.channel, "store roles test", **{"order-id": orders.DOCUMENTED})

    named = f"<@&{buyer.id}>"
    assert embed(tested).description == f"It brings: {named}\n**2.** any order → {named}\n**3.** tag `books` → {named}"


async def test_the_test_of_the_rules_says_why_an_order_brings_no_role(desk: Desk, buyer: RoleHandle) -> None:
    await rule(desk, "tag", buyer, "another")

    said = [
        str(embed(await desk.owner.slash(desk.channel, "store roles test", **{"order-id": token})).description)
        for token in (orders.DOCUMENTED, orders.EMPTY)
    ]

    assert said[0] == "It brings no role: no rule fits it."
    assert said[1].startswith("It brings no role: it has no files.")


async def test_a_rule_from_before_that_matches_no_order_is_named(desk: Desk, buyer: RoleHandle) -> None:
    await desk.set_up()
    rules = (RoleRule(match=Match.PRODUCT_ID, value="wallpaper", role_ids=(buyer.id,)),)
    options = Options(rules=rules, buyers_roles=True)
    await desk.bot.storage.guilds.change(desk.guild.id, desk.owner.id, options=options)
    line = "⚠️ 1 rule for buyers' roles matches no order because of its value: `wallpaper`. Remove it, and add it anew"

    setup = await desk.owner.slash(desk.channel, "store setup")

    assert line in reply(await desk.owner.click(reply(setup), label="Check")).content
    assert line in str(embed(await desk.owner.slash(desk.channel, "store status")).description)
    exported = await desk.owner.slash(desk.channel, "store export")
    assert "Something went wrong" not in reply(exported).content
