"""Claims and saved orders: never more than allowed, nobody else's, readable after a change of keys."""

import asyncio
from collections.abc import Collection
from dataclasses import replace
from datetime import timedelta

import pytest
from storage.samples import KEY, NEWER_KEY, file, settings

from fileflare_bot.orders.reference import OrderReference
from fileflare_bot.storage.database import Database
from fileflare_bot.storage.errors import HeldByThem, NoSuchClaim, NoSuchSavedOrder, NoSuchTicket, StorageUnavailable
from fileflare_bot.storage.postponing import ATTEMPTS_OF_A_DAY
from fileflare_bot.storage.records import Claim, GrantState, NewNote, Resolution
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


@pytest.mark.parametrize(("person", "claims"), [(1, True), (2, False)])
async def test_an_order_that_is_opened_again_is_only_read(
    storage: Storage, monkeypatch: pytest.MonkeyPatch, person: int, *, claims: bool
) -> None:
    await claim_of(storage, ORDER, 5)
    await give(storage)

    with monkeypatch.context() as patch:
        patch.setattr(Database, "writing", None)
        claimed = await storage.claims.claim(GUILD, person, ORDER, "#1", accounts=1, role_ids=[5], held={5})

    assert (claimed is not None) is claims


async def test_a_role_that_was_taken_away_is_wanted_again_when_its_order_is_opened(storage: Storage) -> None:
    await claim_of(storage, ORDER, 5)
    await give(storage)

    await claim_of(storage, ORDER, 5, held=())

    assert await storage.role_grants.due(GUILD, 1) == {5: GrantState.GRANTING}


async def test_the_roles_that_buyers_have_from_the_bot_are_known_whatever_the_rules_are(storage: Storage) -> None:
    await claim_of(storage, ORDER, 5, 6, 7, held={6})
    await give(storage)

    assert await storage.role_grants.given_to_buyers(GUILD, [5, 6, 8]) == {5}
    assert await storage.role_grants.given_to_buyers(GUILD + 1, [5]) == set()


def allow(_claim: Claim) -> None:
    """Let the move happen."""


async def give(storage: Storage, user_id: int = 1) -> None:
    """Record all of a user's roles that are due as given or revoked, as if Discord had taken each."""
    for role_id, state in (await storage.role_grants.due(GUILD, user_id)).items():
        if state is GrantState.REVOKING:
            await storage.role_grants.revoked(GUILD, user_id, role_id)
        elif await storage.role_grants.begin(GUILD, user_id, role_id, held=False):
            await storage.role_grants.given(GUILD, user_id, role_id)


async def claim_of(storage: Storage, order: OrderReference, *role_ids: int, held: Collection[int] = ()) -> Claim:
    """Claim an order for user 1."""
    claim = await storage.claims.claim(GUILD, 1, order, "#1", accounts=1, role_ids=role_ids, held=held)
    assert claim is not None
    return claim


async def test_release_and_move_revoke_the_claims_roles_but_not_those_of_other_orders(storage: Storage) -> None:
    first, second = await claim_of(storage, ORDER, 10, 11), await claim_of(storage, ANOTHER, 11)
    await give(storage)
    assert [claim.given_role_ids for claim in await storage.claims.of_user(GUILD, 1)] == [(11,), (10, 11)]

    await storage.claims.move(GUILD, first.shown, 9, 2, allow)
    assert await storage.role_grants.due(GUILD, 1) == {10: GrantState.REVOKING}
    assert await storage.role_grants.due(GUILD, 2) == {10: GrantState.WANTED, 11: GrantState.WANTED}
    assert [claim.user_id for claim in await storage.claims.of_order(GUILD, ORDER)] == [2]
    await storage.claims.release(GUILD, second.shown, 9)
    assert await storage.role_grants.due(GUILD, 1) == {10: GrantState.REVOKING, 11: GrantState.REVOKING}
    for wrong_guild, claim in ((GUILD, second), (GUILD + 1, first)):
        with pytest.raises(NoSuchClaim):
            await storage.claims.release(wrong_guild, claim.shown, 9)


async def test_who_has_a_claim_on_an_order_that_is_moved_to_them_loses_all_its_roles_with_it(storage: Storage) -> None:
    first = await storage.claims.claim(GUILD, 1, ORDER, "#1", accounts=2, role_ids=[10, 11], held=())
    second = await storage.claims.claim(GUILD, 2, ORDER, "#1", accounts=2, role_ids=[10], held=())
    assert first is not None
    assert second is not None
    await storage.claims.move(GUILD, first.shown, 9, 2, allow)
    await give(storage, 2)
    (claim,) = await storage.claims.of_order(GUILD, ORDER)
    assert claim.given_role_ids == (10, 11)

    await storage.claims.release(GUILD, second.shown, 9)

    assert await storage.role_grants.due(GUILD, 2) == {10: GrantState.REVOKING, 11: GrantState.REVOKING}


async def test_a_role_that_was_held_before_is_never_revoked(storage: Storage) -> None:
    claim = await claim_of(storage, ORDER, 10, 11, held=[10])
    assert await storage.role_grants.due(GUILD, 1) == {11: GrantState.GRANTING}

    await storage.claims.release(GUILD, claim.shown, 9)

    assert await storage.role_grants.due(GUILD, 1) == {11: GrantState.REVOKING}


async def test_a_role_that_was_given_after_its_claim_was_released_is_revoked(storage: Storage) -> None:
    claim = await claim_of(storage, ORDER, 10)
    await storage.claims.release(GUILD, claim.shown, 9)
    await storage.role_grants.revoked(GUILD, 1, 10)

    assert not await storage.role_grants.given(GUILD, 1, 10)

    assert await storage.role_grants.due(GUILD, 1) == {10: GrantState.REVOKING}


async def test_a_role_that_discord_refuses_for_a_day_is_given_up(storage: Storage) -> None:
    await claim_of(storage, ORDER, 10)
    for _ in range(ATTEMPTS_OF_A_DAY):
        await storage.role_grants.postponed(GUILD, 1, 10, refused=True)
        assert not await storage.role_grants.is_settled(GUILD, 1)
    await storage.role_grants.postponed(GUILD, 1, 10, refused=False)
    assert not await storage.role_grants.is_settled(GUILD, 1)

    await storage.role_grants.postponed(GUILD, 1, 10, refused=True)

    assert await storage.role_grants.is_settled(GUILD, 1)


async def test_a_deleted_users_claim_keeps_the_order_for_90_days_without_them(storage: Storage) -> None:
    await claim_of(storage, ORDER, 10, 11, held=[11])
    await give(storage)

    await storage.personal_data.forget(1)

    assert await storage.role_grants.due_members() == [(GUILD, 1)]
    assert await storage.role_grants.due(GUILD, 1) == {10: GrantState.REVOKING}
    (kept,) = await storage.claims.of_order(GUILD, ORDER)
    assert (kept.user_id, kept.label) == (None, "")
    assert await storage.claims.of_user(None, 1) == []
    assert await storage.claims.claim(GUILD, 2, ORDER, "#1", accounts=1) is None
    assert await storage.retention.delete_forgotten_claims(timedelta(days=90)) == 0
    assert await storage.retention.delete_forgotten_claims(timedelta()) == 1
    assert await storage.claims.claim(GUILD, 2, ORDER, "#1", accounts=1) is not None


async def test_an_order_is_free_later_only_if_that_makes_room_for_one_more(storage: Storage) -> None:
    for user_id in (1, 2):
        assert await storage.claims.claim(GUILD, user_id, ORDER, "#1", accounts=2)
    await storage.personal_data.forget(1)

    assert await storage.claims.free_from(GUILD, ORDER, 2) is not None
    assert await storage.claims.free_from(GUILD, ORDER, 1) is None  # the owner allows fewer since
    await storage.personal_data.forget(2)
    first, second = [await storage.claims.free_from(GUILD, ORDER, accounts) for accounts in (2, 1)]
    assert first is not None
    assert second is not None
    assert first < second


async def test_a_moderator_can_move_a_deleted_users_claim(storage: Storage) -> None:
    await claim_of(storage, ORDER, 10)
    await storage.personal_data.forget(1)
    (claim,) = await storage.claims.of_order(GUILD, ORDER)

    await storage.claims.move(GUILD, claim.shown, 9, 2, allow)

    assert await storage.role_grants.due(GUILD, 2) == {10: GrantState.WANTED}
    assert await storage.retention.delete_forgotten_claims(timedelta()) == 0


async def test_a_claim_cannot_be_moved_to_its_own_holder(storage: Storage) -> None:
    claim = await storage.claims.claim(GUILD, 1, ORDER, "#1", accounts=1)
    assert claim is not None

    with pytest.raises(HeldByThem):
        await storage.claims.move(GUILD, claim.shown, 9, 1, allow)

    assert await storage.claims.of_order(GUILD, ORDER) == [claim]


async def test_only_the_claim_that_was_shown_is_released_or_moved(storage: Storage) -> None:
    claim = await claim_of(storage, ORDER, 10)
    await storage.claims.move(GUILD, claim.shown, 9, 2, allow)

    with pytest.raises(NoSuchClaim) as released:
        await storage.claims.release(GUILD, claim.shown, 9)
    with pytest.raises(NoSuchClaim) as moved:
        await storage.claims.move(GUILD, claim.shown, 9, 3, allow)

    assert [error.value.holders for error in (released, moved)] == [[2], [2]]
    assert [held.user_id for held in await storage.claims.of_order(GUILD, ORDER)] == [2]


async def test_a_claim_whose_row_has_the_id_of_a_released_one_is_another(storage: Storage) -> None:
    first = await claim_of(storage, ORDER)
    await storage.claims.release(GUILD, first.shown, 9)
    second = await claim_of(storage, ANOTHER)

    with pytest.raises(NoSuchClaim):
        await storage.claims.release(GUILD, replace(first.shown, id=second.id), 9)

    assert await storage.claims.of_order(GUILD, ANOTHER) == [second]


async def test_a_claim_is_found_with_its_move_on_the_card_of_who_has_it_now(storage: Storage) -> None:
    claim = await claim_of(storage, ORDER)
    ticket = await file(storage, token=ORDER.token, guild_id=GUILD)
    await storage.claims.move(GUILD, claim.shown, 9, ticket.user_id, allow, number=ticket.number)
    (moved,) = await storage.claims.of_order(GUILD, ORDER)

    found = (await storage.claims.with_move(moved, ORDER)).moved

    assert found is not None
    assert (found.actor_id, found.number) == (9, ticket.number)
    assert (await storage.claims.with_move(claim, ORDER)).moved is None
    assert (await storage.claims.with_move(moved, ANOTHER)).moved is None


async def test_of_a_release_and_a_move_at_once_only_the_first_changes_something(storage: Storage) -> None:
    for number in range(10):
        claim = await claim_of(storage, OrderReference(f"{number:032x}"))

        done = await asyncio.gather(
            storage.claims.move(GUILD, claim.shown, 9, 2, allow),
            storage.claims.release(GUILD, claim.shown, 9),
            return_exceptions=True,
        )

        assert len([outcome for outcome in done if isinstance(outcome, NoSuchClaim)]) == 1


async def test_claims_that_are_released_at_once_lose_the_role_that_both_brought(storage: Storage) -> None:
    for number in range(10):
        orders = [OrderReference(f"{number:016x}{which:016x}") for which in (1, 2)]
        claims = [await claim_of(storage, order, 10 + number) for order in orders]
        await give(storage)

        await asyncio.gather(*(storage.claims.release(GUILD, claim.shown, 9) for claim in claims))

        assert await storage.role_grants.due(GUILD, 1) == {10 + number: GrantState.REVOKING}
        await give(storage)


async def test_a_claim_that_moves_while_its_new_holder_claims_the_order_is_held_once(storage: Storage) -> None:
    for number in range(10):
        order = OrderReference(f"{number:032x}")
        claim = await storage.claims.claim(GUILD, 1, order, "#", accounts=2)
        assert claim is not None

        await asyncio.gather(
            storage.claims.move(GUILD, claim.shown, 9, 2, allow), storage.claims.claim(GUILD, 2, order, "#", accounts=2)
        )

        assert [held.user_id for held in await storage.claims.of_order(GUILD, order)] == [2]


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


async def test_an_order_that_is_saved_twice_at_once_is_there_once(storage: Storage, another: Storage) -> None:
    for number in range(10):
        order = OrderReference(f"{number:032x}")
        await asyncio.gather(*(each.saved_orders.save(1, order, "#1") for each in (storage, another) * 4))

    assert len(await storage.saved_orders.of_user(1)) == 10


async def test_claims_and_saved_orders_survive_a_change_of_keys(url: str) -> None:
    async with open_storage(settings(url, keys=(KEY,))) as storage:
        await storage.saved_orders.save(1, ORDER, "#1")
        await storage.claims.claim(GUILD, 1, ORDER, "#1", accounts=1)
    async with open_storage(settings(url, keys=(NEWER_KEY, KEY))) as storage:
        assert storage.rotation is not None
        await storage.rotation

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


async def test_a_change_of_a_claim_is_due_on_the_cards_of_open_tickets_about_its_order_only(storage: Storage) -> None:
    about = {
        "open": await file(storage, 2, ORDER.token, guild_id=GUILD),
        "resolved": await file(storage, 3, ORDER.token, guild_id=GUILD),
        "another": await file(storage, 2, ANOTHER.token, guild_id=GUILD),
        "elsewhere": await file(storage, 2, ORDER.token, guild_id=GUILD + 1),
    }
    await storage.tickets.resolve(about["resolved"].id, 3, Resolution.CUSTOMER)
    claim = await claim_of(storage, ORDER, 10)
    before = {name: (await storage.tickets.get(ticket.id)).version for name, ticket in about.items()}

    async def changed() -> list[int]:
        return [(await storage.tickets.get(ticket.id)).version - before[name] for name, ticket in about.items()]

    await storage.claims.move(GUILD, claim.shown, 9, 4, allow, note=NewNote("moved", "taken"))
    assert await changed() == [1, 0, 0, 0]
    assert [note.text for note in await storage.intents.notes(about["open"].id)] == ["moved"]
    await storage.personal_data.forget(4)
    assert await changed() == [2, 0, 0, 0]
    (claim,) = await storage.claims.of_order(GUILD, ORDER)
    await storage.claims.release(GUILD, claim.shown, 9, note=NewNote("released", "taken"))
    assert await changed() == [3, 0, 0, 0]
    assert [note.text for note in await storage.intents.notes(about["open"].id)] == ["moved", "released"]
    for roles, count in (((), 4), ((7,), 5), ((7,), 5)):
        await storage.claims.claim(GUILD, 11, ORDER, "#1", accounts=1, role_ids=roles)
        assert await changed() == [count, 0, 0, 0]


async def test_a_ticket_is_found_by_its_number_in_its_own_server(storage: Storage) -> None:
    ticket = await file(storage, 2, ORDER.token, guild_id=GUILD)

    assert await storage.tickets.of_number(GUILD, ticket.number) == ticket
    for guild_id, number in ((GUILD, ticket.number + 1), (GUILD + 1, ticket.number)):
        with pytest.raises(NoSuchTicket):
            await storage.tickets.of_number(guild_id, number)
