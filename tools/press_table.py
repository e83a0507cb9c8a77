"""``make presses``: how many pages orders of many sizes take, and how many presses it is to a file in them."""

from parsing import order
from presses import COUNTS, FIND_PRESSES, LINK_LENGTHS, numbered, page_of_the_middle_file, presses_to_pages

from fileflare_bot.downloads.pages import OrderPages


def main() -> None:
    """Print the table. Choosing an option counts as one press, and so does submitting Find's modal."""
    print("| files | products | link length | pages | presses to the middle file | most to any file | with Find |")
    print("|---|---|---|---|---|---|---|")
    for count in COUNTS:
        for products in (0, min(count, 10)):
            for link in LINK_LENGTHS:
                pages = OrderPages(order(numbered(count, link=link, products=products)))
                needed = presses_to_pages(pages)
                middle = needed[page_of_the_middle_file(pages)]
                assert len(needed) == len(pages)
                find = FIND_PRESSES if len(pages) > 1 else 0
                most = max(needed.values())
                print(f"| {count:,} | {products:,} | {link:,} | {len(pages):,} | {middle} | {most} | {find} |")


if __name__ == "__main__":
    main()
