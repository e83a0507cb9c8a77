"""How many presses a customer needs from the first page of an order to any file, by what the reply offers them."""

from collections import deque
from collections.abc import Iterator
from typing import Any

import discord

from fileflare_bot.demo.orders import answer, asset, line
from fileflare_bot.downloads.open_orders import OpenOrder
from fileflare_bot.downloads.pages import OrderPages
from fileflare_bot.downloads.places import Span
from fileflare_bot.downloads.views import order_message
from fileflare_bot.i18n import Catalogs
from fileflare_bot.orders.reference import OrderReference

ENGLISH = Catalogs().translator("en")
COUNTS = (1, 2, 8, 40, 300, 2000)
LINK_LENGTHS = (60, 150, 500, 2000, 3300)  # UTF-16 units
MOST_PRESSES = 3
FIND_PRESSES = 2  # Find, and the modal's Submit
State = tuple[int, Span | None]  # the page, and what was chosen in the select to get there


def numbered(count: int, *, link: int = 60, products: int = 0) -> Any:  # noqa: ANN401 - JSON
    """Return a response with this many files, of the order itself or spread over products."""
    files = [
        asset(f"{number}", f"file {number}.zip", f"https://files.example/{number}?signature=".ljust(link, "a"))
        for number in range(count)
    ]
    lines = [line(f"Product {number}", None, *files[number::products], number=number) for number in range(products)]
    return answer(1050, lines, [] if products else files, title=None, text=None)


def presses_to_pages(pages: OrderPages, most: int = MOST_PRESSES) -> dict[int, int]:
    """Return the fewest presses to every page that is reached within ``most`` of them, without Find."""
    opened = OpenOrder(OrderReference("0c732eb6fd9802a0821a9d29888baee8"), 1, pages)
    start: State = (1, None)
    needed, known, waiting = {1: 0}, {start: 0}, deque([start])
    while waiting:
        state = waiting.popleft()
        if known[state] == most:
            continue
        for following in _offered(opened, pages, state):
            if following not in known:
                known[following] = known[state] + 1
                needed.setdefault(following[0], known[following])
                waiting.append(following)
    return needed


def page_of_the_middle_file(pages: OrderPages) -> int:
    """Return the number of the page that shows the file in the middle of the order."""
    assets = [*pages.order.all_assets()]
    address = f"]({assets[len(assets) // 2].data.url})"
    (number,) = [each for each in range(1, len(pages) + 1) if address in pages.render(each, ENGLISH).description]
    return number


def _offered(opened: OpenOrder, pages: OrderPages, state: State) -> Iterator[State]:
    """Yield what each button and option of the reply leads to."""
    opened.page, jumped = state
    view = order_message(opened, pages, ENGLISH, jumped=jumped).view
    assert view is not None
    for item in view.walk_children():
        if isinstance(item, discord.ui.Select):
            for option in item.options:
                first, end = (int(number) for number in option.value.split("-"))
                yield pages.places.page_of(first), ((first, end) if end - first > 1 else None)
        elif isinstance(item, discord.ui.Button) and not item.disabled:
            action = str(item.custom_id).split(":")[1] if item.custom_id else ""
            if action in {"previous", "next"}:
                yield state[0] + (1 if action == "next" else -1), None
