"""Seen products: counted once for each order, capped for each user and guild; properties of confirmed products."""

import pytest
import sqlalchemy as sa
from storage.samples import CUSTOMER, ELSEWHERE, GUILD, STRANGER, execute

from fileflare_bot.orders.reference import OrderReference
from fileflare_bot.storage import products as products_module
from fileflare_bot.storage.models import SeenProductRow
from fileflare_bot.storage.options import Match
from fileflare_bot.storage.products import MOST_OF_A_USER, MOST_OF_AN_ORDER, MOST_SHOWN
from fileflare_bot.storage.records import Property, SeenProduct
from fileflare_bot.storage.storage import Storage

ORDER = OrderReference("0c732eb6fd9802a0821a9d29888baee8")
BOOK = SeenProduct("1", "My Book", "my-store")


def made_up(count: int, start: int = 100) -> list[SeenProduct]:
    return [SeenProduct(str(number), f"Product {number}", "") for number in range(start, start + count)]


async def ids(storage: Storage, typed: str = "") -> list[str]:
    return [product.product_id for product in await storage.products.seen(GUILD, typed)]


async def test_a_product_counts_once_for_each_account_whose_order_is_new(storage: Storage) -> None:
    for user in (CUSTOMER, CUSTOMER, STRANGER):
        await storage.claims.claim(GUILD, user, ORDER, "#1", accounts=5, products=[BOOK])
    await storage.claims.claim(ELSEWHERE, CUSTOMER, ORDER, "#1", accounts=5, products=[BOOK])

    (seen,) = await storage.products.seen(GUILD)

    assert (seen.product_id, seen.name, seen.vendor, seen.orders) == ("1", "My Book", "my-store", 2)
    assert seen.since is not None


async def test_a_product_keeps_its_name_whichever_order_is_opened_until_the_owner_shows_another(
    storage: Storage,
) -> None:
    for token, name in (("a", ""), ("b", "My Book"), ("c", "My old Book")):
        order = OrderReference(token * 32)
        product = SeenProduct("1", name, f"{name} store")
        await storage.claims.claim(GUILD, CUSTOMER, order, "#1", accounts=5, products=[product])
    (seen,) = await storage.products.seen(GUILD)
    assert (seen.name, seen.vendor, seen.orders) == ("My Book", "My Book store", 3)

    await storage.products.see(GUILD, STRANGER, [SeenProduct("1", "My new Book", "my-store")])

    (seen,) = await storage.products.seen(GUILD)
    assert (seen.name, seen.vendor) == ("My new Book", "my-store")


async def test_an_order_that_is_not_claimed_adds_no_product(storage: Storage) -> None:
    await storage.claims.claim(GUILD, CUSTOMER, ORDER, "#1", accounts=1)

    assert await storage.claims.claim(GUILD, STRANGER, ORDER, "#1", accounts=1, products=[BOOK]) is None
    assert await ids(storage) == []


async def test_a_stranger_pushes_out_only_their_own_products(storage: Storage) -> None:
    await storage.products.see(GUILD, CUSTOMER, [BOOK])
    for start in range(1000, 5000, MOST_OF_AN_ORDER):
        await storage.products.see(GUILD, STRANGER, made_up(MOST_OF_AN_ORDER, start))

    assert await ids(storage, "My Book") == ["1"]
    assert len(await storage.products.named(GUILD, map(str, range(5000)))) == MOST_OF_A_USER + 1
    assert len(await storage.products.named(GUILD, map(str, range(4900, 5000)))) == MOST_OF_A_USER


async def test_an_order_of_thousands_of_products_adds_25(storage: Storage) -> None:
    await storage.products.see(GUILD, STRANGER, made_up(2000))

    assert len(await storage.products.named(GUILD, map(str, range(3000)))) == MOST_OF_AN_ORDER


async def test_the_oldest_products_of_a_guild_go_first(storage: Storage, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(products_module, "MOST_OF_A_GUILD", 10)
    for user in range(1, 13):
        await storage.products.see(GUILD, user, made_up(1, user))
        await storage.products.see(GUILD, user, [BOOK])
    await storage.products.see(ELSEWHERE, CUSTOMER, made_up(1, 500))

    assert set(await ids(storage)) == {"1", *map(str, range(4, 13))}
    assert [product.product_id for product in await storage.products.seen(ELSEWHERE)] == ["500"]


async def test_those_of_most_orders_come_first_and_are_found_by_name_or_id(storage: Storage) -> None:
    await storage.products.see(GUILD, CUSTOMER, made_up(25))
    await storage.products.see(GUILD, CUSTOMER, [*made_up(10, 200), BOOK, SeenProduct("2", "50%_off", "")])
    await storage.products.see(GUILD, STRANGER, [BOOK])

    assert (await ids(storage))[0] == "1"
    assert len(await ids(storage)) == MOST_SHOWN
    assert await ids(storage, "my bo") == ["1"]
    assert await ids(storage, "%_") == ["2"]
    assert await ids(storage, "209") == ["209"]
    assert "1" not in [product.product_id for product in await storage.products.seen(GUILD, without=["1"])]


async def test_deleting_a_users_data_takes_them_off_the_products(storage: Storage, url: str) -> None:
    await storage.products.see(GUILD, STRANGER, [BOOK, *made_up(1)])
    await storage.products.see(GUILD, CUSTOMER, [BOOK])

    await storage.personal_data.forget(STRANGER)

    assert await ids(storage) == ["1"]
    await execute(url, sa.update(SeenProductRow).where(SeenProductRow.user_id == STRANGER).values(name="left"))
    assert [product.name for product in await storage.products.seen(GUILD)] == ["My Book"]


async def test_properties_are_kept_once_and_found_by_what_is_typed(storage: Storage) -> None:
    properties = [Property(Match.TAG, "books", "books"), Property(Match.TAG, "50%_off", "50%_off")]
    await storage.products.add_properties(GUILD, properties)
    await storage.products.add_properties(GUILD, properties)

    assert await storage.products.properties(GUILD, Match.TAG, "BOO") == properties[:1]
    assert await storage.products.properties(GUILD, Match.TAG, "%_") == properties[1:]
    assert await storage.products.properties(GUILD, Match.SKU, "") == []
    assert await storage.products.labels(GUILD, Match.TAG, ["books", "none"]) == {"books": "books"}


async def test_the_oldest_properties_of_a_guild_go_first(storage: Storage, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(products_module, "MOST_PROPERTIES", 3)
    for number in range(5):
        await storage.products.add_properties(GUILD, [Property(Match.TAG, str(number), str(number))])
    await storage.products.add_properties(ELSEWHERE, [Property(Match.TAG, "a", "a")])

    assert [each.value for each in await storage.products.properties(GUILD, Match.TAG, "")] == ["2", "3", "4"]
    assert len(await storage.products.properties(ELSEWHERE, Match.TAG, "")) == 1


async def test_a_user_is_shown_and_given_the_products_that_they_were_the_first_to_bring(storage: Storage) -> None:
    await storage.products.see(GUILD, STRANGER, [BOOK])
    await storage.products.see(GUILD, CUSTOMER, [BOOK])

    record = await storage.personal_data.of_user(STRANGER)
    assert (record.products, record.is_empty) == (1, False)
    assert (await storage.personal_data.of_user(CUSTOMER)).is_empty
    (given,) = (await storage.personal_data.export(STRANGER))["products_first_seen"]
    assert (given["product_id"], given["name"]) == ("1", "My Book")
    await storage.personal_data.forget(STRANGER)
    assert (await storage.personal_data.of_user(STRANGER)).is_empty
