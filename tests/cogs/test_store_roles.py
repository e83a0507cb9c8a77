"""The rules of /store roles: added, named, tested, listed and removed."""

import pytest
from buyers import has, rule
from desk import Desk, embed, reply
from simcord.builders import RoleHandle

from fileflare_bot.demo import orders
from fileflare_bot.storage.options import MOST_RULES, Match, Options, RoleRule, StoreProduct
from fileflare_bot.storage.records import SeenProduct


@pytest.fixture
def buyer(desk: Desk) -> RoleHandle:
    return desk.guild.create_role("Buyer")


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
