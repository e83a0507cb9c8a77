"""Which orders give buyers which roles, and who loses a role when a claim is released or moved."""

import asyncio

import discord
import pytest
from buyers import granted, has, rule
from desk import Desk, Log, embed, first_option, reply
from simcord.actors import MemberActor
from simcord.builders import RoleHandle
from simcord.results import InteractionResult

from fileflare_bot.demo import orders


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


@pytest.mark.parametrize("opened_before", [False, True])
async def test_a_role_that_was_given_by_hand_stays_though_the_bot_does_not_know_the_server_yet(
    desk: Desk, buyer: RoleHandle, *, opened_before: bool
) -> None:
    await rule(desk, "any_order", buyer)
    desk.env.backend.add_member_role(desk.guild.id, desk.customer.id, buyer.id)
    await desk.env.settle()
    if opened_before:
        await desk.mydownloads(orders.DOCUMENTED)
    await desk.connects_anew()
    await desk.mydownloads(orders.DOCUMENTED)
    await desk.learns_of_the_server()
    await desk.later()

    await release(desk)

    assert has(desk, desk.customer, buyer)


async def test_an_order_is_not_claimed_in_a_server_that_the_bot_has_left(desk: Desk, buyer: RoleHandle) -> None:
    await rule(desk, "any_order", buyer)
    desk.env.backend.emit("GUILD_DELETE", {"id": str(desk.guild.id)})
    await desk.env.settle()

    shown = await desk.mydownloads(orders.DOCUMENTED)

    assert "5 of 10 left" in str(embed(shown).description)
    assert not await desk.bot.storage.claims.of_user(desk.guild.id, desk.customer.id)


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


@pytest.mark.parametrize("method", ["GET", "PUT"])
async def test_a_role_that_discord_never_answers_for_comes_later(
    desk: Desk, buyer: RoleHandle, monkeypatch: pytest.MonkeyPatch, log: Log, method: str
) -> None:
    await rule(desk, "any_order", buyer)
    if method == "GET":
        await desk.connects_anew()
    path = "/guilds/*/members/*/roles/*" if method == "PUT" else "/guilds/*/members/*"
    desk.discord_is_silent(monkeypatch, method, path)

    await desk.mydownloads(orders.DOCUMENTED)
    await desk.learns_of_the_server()
    await desk.later()

    assert has(desk, desk.customer, buyer)
    assert not log.events("background_bug")


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
