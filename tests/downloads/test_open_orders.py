"""Open orders: nobody pushes out another's, and they take no more memory than they may."""

import tracemalloc
from collections.abc import Callable

import pytest

from fileflare_bot.downloads.open_orders import MOST_BYTES, USER_BYTES, OpenOrder, OpenOrders
from fileflare_bot.downloads.pages import OrderPages
from fileflare_bot.metrics import Metrics
from fileflare_bot.orders.models import Asset, AssetData, Line, Order, Product
from fileflare_bot.orders.reference import OrderReference
from fileflare_bot.orders.weight import weight

ID = OrderReference("0c732eb6fd9802a0821a9d29888baee8")


def order(files: int, name: str = "file.zip") -> Order:
    assets = tuple(
        Asset(data=AssetData(id=f"{number:036}", filename=f"{number} {name}", url=f"https://cdn.example/{number}"))
        for number in range(files)
    )
    return Order(order_number=1050, assets=assets)


def of_bytes(wanted: int) -> Order:
    """Return an order that weighs about so much, be it more than is read of a response."""
    each = weight(order(2)) - weight(order(1))
    large = order(0)
    object.__setattr__(large, "assets", order(1).assets * (wanted // each))
    return large


def opened(user_id: int, shown: Order) -> OpenOrder:
    return OpenOrder(ID, user_id, OrderPages(shown))


@pytest.fixture
def open_orders() -> OpenOrders:
    return OpenOrders(Metrics())


def test_a_user_finds_their_open_order_and_nobody_elses(open_orders: OpenOrders) -> None:
    mine = opened(1, order(2))
    open_orders.keep(mine)

    assert open_orders.get(mine.handle, 1) is mine
    assert open_orders.get(mine.handle, 2) is None
    assert open_orders.get("unknown", 1) is None


def test_ten_large_orders_of_one_user_push_out_only_their_own(open_orders: OpenOrders) -> None:
    others = [opened(user_id, order(3)) for user_id in range(100, 150)]
    large = order(2000)
    for each in others:
        open_orders.keep(each)
    greedy = [opened(1, large) for _ in range(10)]
    for each in greedy:
        open_orders.keep(each)

    assert all(open_orders.get(each.handle, each.user_id) is each for each in others)
    kept = [each for each in greedy if open_orders.get(each.handle, 1) is not None]
    assert kept == greedy[-len(kept) :]
    assert 1 <= len(kept) <= USER_BYTES // weight(large)


def test_ten_users_who_open_all_they_can_push_out_each_other_and_nobody_who_opens_little(
    open_orders: OpenOrders,
) -> None:
    others = [opened(user_id, order(3)) for user_id in range(100, 150)]
    for each in others:
        open_orders.keep(each)
    huge = of_bytes(USER_BYTES // 2)
    for user_id in range(10):
        for _ in range(3):
            latest = opened(user_id, huge)
            open_orders.keep(latest)

    assert all(open_orders.get(each.handle, each.user_id) is each for each in others)
    assert open_orders.get(latest.handle, latest.user_id) is latest
    assert open_orders._users.currsize <= MOST_BYTES  # noqa: SLF001 - the promise is about memory


def test_the_least_recently_used_order_of_a_user_goes_first(open_orders: OpenOrders) -> None:
    large = of_bytes(USER_BYTES * 2 // 5)
    first, second, last = (opened(1, large) for _ in range(3))
    for each in (first, second):
        open_orders.keep(each)
    assert open_orders.get(first.handle, 1) is first
    open_orders.keep(last)

    assert open_orders.get(first.handle, 1) is first
    assert open_orders.get(second.handle, 1) is None


def test_an_order_that_has_become_too_large_is_not_kept_any_more(open_orders: OpenOrders) -> None:
    mine, small = opened(1, order(1)), opened(1, order(1))
    for each in (mine, small):
        open_orders.keep(each)
    mine.pages = OrderPages(of_bytes(USER_BYTES))
    open_orders.keep(mine)

    assert open_orders.get(mine.handle, 1) is None
    assert open_orders.get(small.handle, 1) is small


@pytest.mark.parametrize(
    "make",
    [
        lambda: order(1),
        lambda: order(2000),
        lambda: order(20, "x" * 100_000),
        lambda: order(20, "x" * 100_000 + "🛟"),  # one such character makes each take four bytes
        lambda: Order(lines=tuple(Line(product=Product(name=f"Book {number}")) for number in range(500))),
        lambda: Order(lines=(Line(product=Product(tags=tuple(f"tag {number}" for number in range(5000)))),)),
    ],
)
def test_an_order_is_weighed_in_bytes(make: Callable[[], Order]) -> None:
    tracemalloc.start()
    try:
        shown = make()
        pages = OrderPages(shown)
        taken = tracemalloc.get_traced_memory()[0]
    finally:
        tracemalloc.stop()

    assert taken / 2 <= weight(shown) <= 4 * taken + 10_000
    assert len(pages) >= 1
