"""How many presses a customer needs from the first page of an order to any file, by what the reply offers them."""

from bisect import bisect_left
from collections import deque
from itertools import accumulate, pairwise
from typing import Any

from fileflare_bot.demo.orders import answer, asset, line
from fileflare_bot.downloads.pages import OrderPages, _split
from fileflare_bot.downloads.places import Span
from fileflare_bot.i18n import Catalogs

ENGLISH = Catalogs().translator("en")
COUNTS = (1, 2, 8, 40, 300, 2000)
LINK_LENGTHS = (60, 150, 500, 2000, 3300)  # UTF-16 units
MOST_PRESSES = 3
FIND_PRESSES = 2  # Find, and the modal's Submit
State = tuple[int, Span | None]  # with how many entries before it the page begins, and what was chosen to get there


def numbered(count: int, *, link: int = 60, products: int = 0) -> Any:  # noqa: ANN401 - JSON
    """Return a response with this many files, of the order itself or spread over products."""
    files = [
        asset(f"{number}", f"file {number}.zip", f"https://files.example/{number}?signature=".ljust(link, "a"))
        for number in range(count)
    ]
    lines = [line(f"Product {number}", None, *files[number::products], number=number) for number in range(products)]
    return answer(1050, lines, [] if products else files, title=None, text=None)


def presses_to_pages(pages: OrderPages, most: int = MOST_PRESSES) -> dict[int, int]:
    """Return the fewest presses to every page all of whose entries are seen within ``most`` of them, without Find."""
    starts = [0, *accumulate(len(page) for page in pages._pages)]  # noqa: SLF001 - counts entries
    known: dict[State, int] = {(0, None): 0}
    waiting = deque(known)
    seen: dict[int, int] = {}
    while waiting:
        start, jumped = state = waiting.popleft()
        end = _end_of_page(pages, starts, start)
        for entry in range(start, end):
            seen.setdefault(entry, known[state])
        if known[state] == most:
            continue
        following: list[State] = [
            (pages.places[choice.span[0]].start, choice.span if choice.span[1] - choice.span[0] > 1 else None)
            for choice in (pages.places.choices(1, jumped, ENGLISH) if len(pages) > 1 else ())
        ]
        following += [(end, None)] if end < starts[-1] else []
        following += [(starts[bisect_left(starts, start) - 1], None)] if start else []
        for each in following:
            if each not in known:
                known[each] = known[state] + 1
                waiting.append(each)
    found = {}
    for number, (first, end) in enumerate(pairwise(starts), 1):
        if all(entry in seen for entry in range(first, end)):
            found[number] = max((seen[entry] for entry in range(first, end)), default=0)
    return found


def _end_of_page(pages: OrderPages, starts: list[int], start: int) -> int:
    """Return the first entry that is no more on the page that begins with an entry."""
    known = bisect_left(starts, start)
    if starts[known] == start:
        return starts[known + 1]
    broken = _split(pages.order, pages._text, break_at=start)  # noqa: SLF001 - the pages after this one are not needed
    return next(end for end in accumulate(map(len, broken)) if end > start)


def page_of_the_middle_file(pages: OrderPages) -> int:
    """Return the number of the page that shows the file in the middle of the order."""
    assets = [*pages.order.all_assets()]
    address = f"]({assets[len(assets) // 2].data.url})"
    (number,) = [each for each in range(1, len(pages) + 1) if address in pages.render(each, ENGLISH).description]
    return number
