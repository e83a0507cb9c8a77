"""The store's own products: what another store's order brings, confirming, and who may."""

import discord
import pytest
import sqlalchemy as sa
from buyers import has
from desk import Desk, buttons, embed, options, reply
from simcord.actors import MemberActor
from simcord.builders import RoleHandle
from simcord.results import InteractionResult

from fileflare_bot.demo import orders
from fileflare_bot.storage.errors import StorageUnavailable
from fileflare_bot.storage.models import AuditRow
from fileflare_bot.storage.options import MOST_PRODUCTS, StoreProduct
from fileflare_bot.storage.options import Options as StoreOptions
from fileflare_bot.storage.records import Action, SeenProduct

FORGED = "f0f0f0f0f0f0f0f0f0f0f0f0f0f0f0f0"


@pytest.fixture
def buyer(desk: Desk) -> RoleHandle:
    return desk.guild.create_role("Buyer")


@pytest.fixture
def forged(desk: Desk) -> str:
    """An order of another store, whose product has the name, SKU, tags and vendor of this store's."""
    order = orders.sample_answers("https://another.example")[orders.DOCUMENTED]
    for line in order["order"]["lines"]:
        line["product"] |= {"product_id": 666, "variant_id": 667, "id": "another"}
    desk.sample.answers[FORGED] = order
    return FORGED


async def products(desk: Desk, person: MemberActor | None = None) -> InteractionResult:
    return await (person or desk.owner).slash(desk.channel, "store products")


async def confirm(
    desk: Desk, shown: InteractionResult, *ids: str, person: MemberActor | None = None
) -> InteractionResult:
    return await (person or desk.owner).select(reply(shown), list(ids), custom_id="store_products:confirm")


async def pasted(desk: Desk, token: str) -> InteractionResult:
    asked = await desk.owner.click(reply(await products(desk)), label="Paste one of your orders")
    return await desk.owner.submit_modal(asked, {"order": token})


async def test_a_confirmed_product_keeps_the_name_that_the_owner_confirmed(desk: Desk, buyer: RoleHandle) -> None:
    await confirm(desk, await pasted(desk, orders.DOCUMENTED), "123456")
    await desk.owner.slash(desk.channel, "store roles add", match="product_id", role=buyer, value="123456")
    renamed = orders.sample_answers("https://my-store.example")[orders.USED_UP]
    for line in renamed["order"]["lines"]:
        line["product"]["name"] = "My renamed Book"
    desk.sample.answers[orders.USED_UP] = renamed

    await desk.mydownloads(orders.USED_UP)
    await pasted(desk, orders.USED_UP)

    assert "• My new Book · `123456`" in str(embed(await products(desk)).description)
    listed = await desk.owner.slash(desk.channel, "store roles list")
    assert "product **My new Book** `123456`" in str(embed(listed).description)


@pytest.mark.parametrize(
    ("match", "value"),
    [
        ("any_order", None),
        ("sku", "my-sku"),
        ("tag", "books"),
        ("vendor", "my-store"),
        ("product_id", "123456"),
        ("variant_id", "1234563"),
    ],
)
async def test_an_order_of_another_store_with_equal_names_brings_no_role_under_any_rule(
    desk: Desk, buyer: RoleHandle, forged: str, match: str, value: str | None
) -> None:
    given = {"match": match, "role": buyer} | ({} if value is None else {"value": value})
    await desk.owner.slash(desk.channel, "store roles add", **given)
    await desk.mydownloads(forged)
    assert not has(desk, desk.customer, buyer)

    await confirm(desk, await pasted(desk, orders.DOCUMENTED), "123456")
    shown = await desk.mydownloads(forged)
    await desk.mydownloads(orders.DOCUMENTED, person=desk.member)

    assert "5 of 10 left" in str(embed(shown).description)
    assert not has(desk, desk.customer, buyer)
    assert has(desk, desk.member, buyer)


@pytest.mark.parametrize(
    ("given", "what"),
    [
        ("#1050", "**That is the order number, not the order ID.**"),
        (orders.UNKNOWN, "**Fileflare knows no order with that ID.**\n"),
    ],
)
async def test_an_owner_is_told_where_owners_get_an_order_link(desk: Desk, given: str, what: str) -> None:
    tested = reply(await desk.owner.slash(desk.channel, "store roles test", **{"order-id": given}))
    refused = await pasted(desk, given)

    for said in (tested.content, [reply(refused).content, *(each.content for each in refused.followups)][-1]):
        assert said.startswith(what)
        assert said.endswith(
            "\n**Take the order link of one of your own orders,** such as a test order: in its confirmation email, "
            "press and hold **View your order** (on a computer, right-click it), and copy the link."
        )
        assert "help" not in said


async def test_an_order_without_products_says_so(desk: Desk) -> None:
    answered = orders.sample_answers("https://my-store.example")[orders.DOCUMENTED]
    answered["order"]["lines"] = []
    desk.sample.answers[orders.DOCUMENTED] = answered

    shown = await pasted(desk, orders.DOCUMENTED)

    assert "This order holds no product that I can tell from others." in str(embed(shown).description)


@pytest.mark.limits(misses_per_user=3)
async def test_an_owner_who_is_about_to_pause_is_warned_as_everybody(desk: Desk) -> None:
    said = []
    for number in range(3):
        refused = await pasted(desk, f"{number}abcdef0" * 4)
        said.append(str([reply(refused).content, *(each.content for each in refused.followups)][-1]))

    assert ["Take the order link of one of your own orders" in each for each in said] == [True, False, False]
    assert "**Careful:** if the next ID is unknown too" in said[1]


async def test_what_was_pasted_by_mistake_is_fixed_from_its_refusal(desk: Desk) -> None:
    refused = await pasted(desk, "#1050")

    again = await desk.owner.click([reply(refused), *refused.followups][-1], label="Fix it")
    offered = await desk.owner.submit_modal(again, {"order": orders.DOCUMENTED})

    assert [each["label"] for each in options(offered)] == ["My new Book"]


async def test_after_a_rule_and_the_list_of_rules_an_owner_reads_what_comes_next(desk: Desk, buyer: RoleHandle) -> None:
    following = "Next: /store roles test shows what an order of yours brings, or go back to /store setup."

    added = await desk.owner.slash(desk.channel, "store roles add", match="any_order", role=buyer)
    listed = await desk.owner.slash(desk.channel, "store roles list")

    assert reply(added).content.endswith(f"\n{following}")
    assert reply(listed).content == f"Buyers' roles are on. {following}"


async def test_a_pasted_order_says_what_it_holds_also_if_its_products_were_seen_before(desk: Desk) -> None:
    await pasted(desk, orders.DOCUMENTED)

    offered = await pasted(desk, orders.DOCUMENTED)

    note = "**That order holds 1 product that is not confirmed: My new Book.** Choose below."
    assert note in str(embed(offered).description)


async def test_a_pasted_order_offers_its_products_and_the_choice_is_shown_by_name(desk: Desk) -> None:
    empty = await products(desk)
    assert "**None is confirmed yet.**" in str(embed(empty).description)

    offered = await pasted(desk, orders.DOCUMENTED)
    (option,) = options(offered)
    assert (option["label"], option["value"]) == ("My new Book", "123456")
    assert option["description"].startswith("my-store · 123456 · 1 order since ")
    shown = await confirm(desk, offered, "123456")

    assert reply(shown).content == (
        "1 product is confirmed. Next: /store roles add gives their buyers a role, or go back to /store setup."
    )
    assert "• My new Book · `123456`" in str(embed(shown).description)
    again = await pasted(desk, orders.DOCUMENTED)
    assert "All products of this order are confirmed already." in str(embed(again).description)


async def test_what_was_seen_is_offered_without_what_is_confirmed_and_can_be_removed(
    desk: Desk, buyer: RoleHandle, forged: str
) -> None:
    await desk.owner.slash(desk.channel, "store roles add", match="tag", role=buyer, value="books")
    await desk.mydownloads(orders.DOCUMENTED)
    await desk.mydownloads(orders.USED_UP, person=desk.member)
    await desk.mydownloads(forged)

    offered = await products(desk)
    assert [(each["value"], "2 orders since" in each["description"]) for each in options(offered)] == [
        ("123456", True),
        ("666", False),
    ]
    shown = await confirm(desk, offered, "123456")
    ids = {
        each["custom_id"]: [option["value"] for option in each["options"]]
        for each in buttons(reply(shown))
        if "options" in each
    }
    assert ids == {"store_products:confirm": ["666"], "store_products:remove": ["123456"]}
    await desk.mydownloads(orders.DOCUMENTED)
    assert has(desk, desk.customer, buyer)

    gone = await desk.owner.select(reply(shown), ["123456"], custom_id="store_products:remove")
    assert reply(gone).content == "0 products are confirmed."
    await desk.mydownloads(orders.LARGE, person=desk.colleague)
    assert not has(desk, desk.colleague, buyer)
    assert has(desk, desk.customer, buyer)


async def test_roles_add_suggests_confirmed_products_first_and_their_tags(
    desk: Desk, buyer: RoleHandle, forged: str
) -> None:
    await desk.owner.slash(desk.channel, "store roles add", match="product_id", role=buyer, value="1")
    for person in (desk.customer, desk.member):
        await desk.mydownloads(forged, person=person)
    offered = await desk.owner.autocomplete(desk.channel, "store roles add", "value", "", match="tag")
    assert offered == []
    await confirm(desk, await pasted(desk, orders.DOCUMENTED), "123456")
    await desk.mydownloads(orders.DOCUMENTED)

    suggested = await desk.owner.autocomplete(desk.channel, "store roles add", "value", "my new", match="product_id")
    tags = await desk.owner.autocomplete(desk.channel, "store roles add", "value", "", match="tag")

    assert [each["value"] for each in suggested] == ["123456", "666"]
    assert [each["value"] for each in tags] == ["books"]


async def test_roles_list_shows_names_and_what_waits(desk: Desk, buyer: RoleHandle) -> None:
    await desk.owner.slash(desk.channel, "store roles add", match="any_order", role=buyer)
    await desk.owner.slash(desk.channel, "store roles add", match="product_id", role=buyer, value="123456")
    await desk.owner.slash(desk.channel, "store roles add", match="variant_id", role=buyer, value="1234563")
    status = await desk.owner.slash(desk.channel, "store status")
    setup = await desk.owner.slash(desk.channel, "store setup")
    checked = await desk.owner.click(reply(setup), label="Check")
    listed = await desk.owner.slash(desk.channel, "store roles list")
    for text in (str(embed(status).to_dict()), reply(checked).content, str(embed(listed).description)):
        assert "1 rule waits: I do not know yet which products are yours." in text

    await confirm(desk, await pasted(desk, orders.DOCUMENTED), "123456")
    await desk.mydownloads(orders.DOCUMENTED)
    listed = await desk.owner.slash(desk.channel, "store roles list")

    role = f"<@&{buyer.id}>"
    assert str(embed(listed).description).splitlines() == [
        f"**1.** any order → {role}",
        f"**2.** product **My new Book** `123456` → {role}",
        f"**3.** variant **My new Book — Hard back** `1234563` → {role}",
    ]


async def test_roles_test_says_that_a_product_is_not_confirmed(desk: Desk, buyer: RoleHandle) -> None:
    await desk.owner.slash(desk.channel, "store roles add", match="any_order", role=buyer)

    tested = await desk.owner.slash(desk.channel, "store roles test", **{"order-id": orders.DOCUMENTED})

    assert "It brings no role: no rule fits it.\nIt holds products that you have not confirmed" in str(
        embed(tested).description
    )


async def test_confirming_takes_the_right_to_give_the_roles_that_follow(
    desk: Desk, buyer: RoleHandle, forged: str
) -> None:
    await desk.owner.slash(desk.channel, "store roles add", match="any_order", role=buyer)
    await desk.mydownloads(forged)
    plain = desk.guild.create_role("Deputy", permissions=discord.Permissions(manage_guild=True))
    low = desk.guild.create_role("Low", permissions=discord.Permissions(manage_guild=True, manage_roles=True))
    desk.env.backend.edit_role(desk.guild.id, buyer.id, {"position": 40})
    await desk.env.settle()
    said = {
        plain: "**Only people with the permission Manage Roles can do that here.**",
        low: f"**You may not give the role <@&{buyer.id}>",
    }

    for role, words in said.items():
        person = desk.guild.add_member(desk.env.create_user(f"dana-{role.id}"), roles=[role])
        refused = await confirm(desk, await products(desk, person), "666", person=person)
        assert any(message.content.startswith(words) for message in [reply(refused), *refused.followups])

    assert desk.bot.storage.guilds.get(desk.guild.id).options.products == ()


async def test_a_page_holds_25_products_and_more_are_on_the_next(desk: Desk) -> None:
    many = tuple(StoreProduct(product_id=str(number), name=f"Product {number:03}") for number in range(60))
    await desk.bot.storage.guilds.change(desk.guild.id, desk.owner.id, options=StoreOptions(products=many))

    first = await products(desk)
    assert embed(first).footer.text == "Page 1 of 3"
    last = first
    for number in (2, 3):
        last = await desk.owner.click(reply(last), custom_id=f"store_products:page:{number}")

    assert embed(last).footer.text == "Page 3 of 3"
    assert str(embed(last).description).count("• ") == 10


async def test_one_product_too_many_is_refused_in_words(desk: Desk) -> None:
    many = tuple(StoreProduct(product_id=str(number)) for number in range(MOST_PRODUCTS))
    await desk.bot.storage.guilds.change(desk.guild.id, desk.owner.id, options=StoreOptions(products=many))
    await desk.bot.storage.products.see(desk.guild.id, desk.owner.id, [SeenProduct("one-more", "One more", "")])

    refused = await confirm(desk, await products(desk), "one-more")

    assert any("**Nothing was changed:** `products`" in each.content for each in [reply(refused), *refused.followups])
    assert len(desk.bot.storage.guilds.get(desk.guild.id).options.products) == MOST_PRODUCTS


@pytest.mark.parametrize("log", [True, False])
async def test_the_owner_is_told_once_after_the_migration(desk: Desk, *, log: bool) -> None:
    await desk.set_up(log=log)
    async with desk.bot.storage._database.writing() as session:  # noqa: SLF001 - as the migration does
        now = discord.utils.utcnow()
        row = {"guild_id": desk.guild.id, "actor_id": 0, "action": Action.PRODUCTS_NEEDED, "at": now, "retry_at": now}
        await session.execute(sa.insert(AuditRow).values(row))

    await desk.bot.reconciler.run()
    await desk.later()

    told = desk.log_channel.history() if log else desk.direct(desk.owner)
    lines = [str(message.embeds[0].description) for message in told]
    assert sum("products that you confirm as yours: type /store products." in line for line in lines) == 1


@pytest.mark.parametrize("change", ["confirm", "remove", "add a rule", "remove a rule"])
async def test_a_change_that_is_stored_is_shown_even_if_the_database_goes_away_then(
    desk: Desk, buyer: RoleHandle, monkeypatch: pytest.MonkeyPatch, change: str
) -> None:
    await desk.bot.storage.products.see(desk.guild.id, desk.owner.id, [SeenProduct("666", "Seen", "")])
    await desk.confirms_the_product()
    await desk.owner.slash(desk.channel, "store roles add", match="product_id", role=buyer, value="1")
    shown = await products(desk)
    stored = desk.bot.storage.products

    async def away(*_given: object, **_more: object) -> None:
        raise StorageUnavailable("away")

    for name in ("seen", "labels", *(() if change == "confirm" else ("named",))):
        monkeypatch.setattr(stored, name, away)
    match change:
        case "confirm":
            result = await confirm(desk, shown, "666")
        case "remove":
            result = await desk.owner.select(reply(shown), ["123456"], custom_id="store_products:remove")
        case "add a rule":
            result = await desk.owner.slash(desk.channel, "store roles add", match="product_id", role=buyer, value="2")
        case _:
            result = await desk.owner.slash(desk.channel, "store roles remove", rule="1")

    said = {
        "confirm": "2 products are",
        "remove": "0 products are",
        "add a rule": "Saved.",
        "remove a rule": "Removed:",
    }
    assert reply(result).content.startswith(said[change])
