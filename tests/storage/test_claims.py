"""Claims and saved orders: never more than allowed, nobody else's, readable after a change of keys."""

import asyncio

import pytest
from storage.samples import KEY, NEWER_KEY, settings

from fileflare_bot.orders.reference import OrderReference
from fileflare_bot.storage.errors import HeldByThem, NoSuchClaim, NoSuchSavedOrder, StorageUnavailable
from fileflare_bot.storage.options import Match
from fileflare_bot.storage.records import SeenProduct
from fileflare_bot.storage.storage import Storage, open_storage

GUILD = 77
ORDER = OrderReference("0c732eb6fd9802a0821a9d29888baee8")
ANOTHER = OrderReference("1c732eb6fd9802a0821a9d29888baee8")


@pytest.mark.parametrize("allowed", [1, 3])
async def test_when_fifty_accounts_try_at_once_exactly_as_many_as_allowed_claim_an_order(
    storage: Storage, allowed: int
) -> None:
    claiming = (storage.claims.claim(GUILD, person, ORDER, "#1", accounts=allowed) for person in range(1, 51))

    claims = [claim for claim in await asyncio.gather(*claiming) if claim is not None]

    assert len(claims) == allowed
    assert len(await storage.claims.of_order(GUILD, ORDER)) == allowed


async def test_claiming_an_order_again_changes_nothing_and_another_server_counts_for_itself(storage: Storage) -> None:
    first = await storage.claims.claim(GUILD, 1, ORDER, "#1", accounts=1)
    again = await storage.claims.claim(GUILD, 1, ORDER, "#1", accounts=1)

    assert first == again
    assert await storage.claims.claim(GUILD, 2, ORDER, "#1", accounts=1) is None
    assert await storage.claims.claim(GUILD + 1, 2, ORDER, "#1", accounts=1) is not None


async def test_release_and_move_say_which_roles_go_but_not_those_of_other_orders(storage: Storage) -> None:
    first = await storage.claims.claim(GUILD, 1, ORDER, "#1", accounts=1)
    second = await storage.claims.claim(GUILD, 1, ANOTHER, "#2", accounts=1)
    assert first is not None
    assert second is not None
    await storage.claims.granted(first, [10, 11])
    await storage.claims.granted(second, [11])

    _, lost = await storage.claims.move(GUILD, first.id, 9, 2)
    assert lost == {10}
    assert [claim.user_id for claim in await storage.claims.of_order(GUILD, ORDER)] == [2]
    released, gone = await storage.claims.release(GUILD, second.id, 9)
    assert (released.label, gone) == ("#2", {11})
    for wrong_guild, claim_id in ((GUILD, second.id), (GUILD + 1, first.id)):
        with pytest.raises(NoSuchClaim):
            await storage.claims.release(wrong_guild, claim_id, 9)


async def test_roles_are_stored_for_the_claims_holder_only(storage: Storage) -> None:
    claim = await storage.claims.claim(GUILD, 1, ORDER, "#1", accounts=1)
    assert claim is not None
    assert await storage.claims.granted(claim, [10])
    await storage.claims.move(GUILD, claim.id, 9, 2)

    assert not await storage.claims.granted(claim, [11])
    assert [moved.role_ids for moved in await storage.claims.of_order(GUILD, ORDER)] == [(10,)]


async def test_a_claim_cannot_be_moved_to_its_own_holder(storage: Storage) -> None:
    claim = await storage.claims.claim(GUILD, 1, ORDER, "#1", accounts=1)
    assert claim is not None

    with pytest.raises(HeldByThem):
        await storage.claims.move(GUILD, claim.id, 9, 1)

    assert await storage.claims.of_order(GUILD, ORDER) == [claim]


async def test_claims_that_are_released_at_once_lose_the_role_that_both_brought(storage: Storage) -> None:
    for number in range(10):
        first, second = [
            await storage.claims.claim(GUILD, number, OrderReference(f"{number:016x}{which:016x}"), "#", accounts=1)
            for which in (1, 2)
        ]
        assert first is not None
        assert second is not None
        await storage.claims.granted(first, [10])
        await storage.claims.granted(second, [10])

        released = await asyncio.gather(*(storage.claims.release(GUILD, claim.id, 9) for claim in (first, second)))

        assert sorted(len(roles) for _, roles in released) == [0, 1]


async def test_a_claim_that_moves_while_its_new_holder_claims_the_order_is_held_once(storage: Storage) -> None:
    for number in range(10):
        order = OrderReference(f"{number:032x}")
        claim = await storage.claims.claim(GUILD, 1, order, "#", accounts=2)
        assert claim is not None

        await asyncio.gather(
            storage.claims.move(GUILD, claim.id, 9, 2), storage.claims.claim(GUILD, 2, order, "#", accounts=2)
        )

        assert [held.user_id for held in await storage.claims.of_order(GUILD, order)] == [2]


async def test_products_are_found_by_what_is_typed_and_kept_once(storage: Storage) -> None:
    products = [SeenProduct(Match.TAG, "books", "books"), SeenProduct(Match.TAG, "50%_off", "50%_off")]
    await storage.claims.see(GUILD, products)
    await storage.claims.see(GUILD, products)

    assert await storage.claims.products(GUILD, Match.TAG, "BOO") == products[:1]
    assert await storage.claims.products(GUILD, Match.TAG, "%_") == products[1:]
    assert await storage.claims.products(GUILD, Match.SKU, "") == []


async def test_the_newest_25_orders_are_kept_each_once_and_for_one_person(storage: Storage) -> None:
    for number in range(30):
        await storage.saved_orders.save(1, OrderReference(f"{number:032x}"), f"#{number}")
    await storage.saved_orders.save(1, OrderReference(f"{10:032x}"), "#10")

    saved = await storage.saved_orders.of_user(1)
    assert [order.label for order in saved] == ["#10", *(f"#{n}" for n in range(29, 4, -1) if n != 10)]
    assert await storage.saved_orders.of_user(2) == []
    with pytest.raises(NoSuchSavedOrder):
        await storage.saved_orders.get(2, saved[0].id)
    assert await storage.saved_orders.forget(2) == 0
    assert await storage.saved_orders.forget(1, saved[0].id) == 1
    assert await storage.saved_orders.forget(1) == 24


async def test_claims_and_saved_orders_survive_a_change_of_keys(url: str) -> None:
    async with open_storage(settings(url, keys=(KEY,))) as storage:
        await storage.saved_orders.save(1, ORDER, "#1")
        await storage.claims.claim(GUILD, 1, ORDER, "#1", accounts=1)
    async with open_storage(settings(url, keys=(NEWER_KEY, KEY))):
        pass

    async with open_storage(settings(url, keys=(NEWER_KEY,))) as storage:
        (saved,) = await storage.saved_orders.of_user(1)
        assert saved.reference == ORDER
        assert await storage.claims.claim(GUILD, 2, ORDER, "#1", accounts=1) is None


async def test_while_the_database_is_away_they_say_so() -> None:
    async with open_storage(settings("postgresql://postgres@127.0.0.1:1/x")) as storage:
        with pytest.raises(StorageUnavailable):
            await storage.saved_orders.of_user(1)
        with pytest.raises(StorageUnavailable):
            await storage.claims.claim(GUILD, 1, ORDER, "#1", accounts=1)
