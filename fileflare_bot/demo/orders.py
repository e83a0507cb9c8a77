"""The sample orders, in the shape of Fileflare's documented response."""

from typing import Any, Final

DOCUMENTED: Final = "0c732eb6fd9802a0821a9d29888baee8"
LARGE: Final = "1a11e5c0de0000000000000000000300"
USED_UP: Final = "0dd0f11e5a11a11a11a11a11a11a1100"
EMPTY: Final = "e0e0e0e0e0e0e0e0e0e0e0e0e0e0e0e0"
SLOW: Final = "510e510e510e510e510e510e510e510e"
HOSTILE: Final = "bad0bad0bad0bad0bad0bad0bad0bad0"
UNKNOWN: Final = "ffffffffffffffffffffffffffffff00"

Json = dict[str, Any]


def asset(  # noqa: D103 - the documented fields, by their names
    id: str,  # noqa: A002 - Fileflare's word
    filename: str | None,
    url: str | None,
    *,
    downloaded: int = 0,
    limit: int | None = 10,
    size: str | None = "10MB",
    is_link: bool = False,
) -> Json:
    return {
        "limits": {"downloaded": downloaded, "limit": limit},
        "data": {"id": id, "filename": filename, "size": size, "is_file": not is_link, "is_link": is_link, "url": url},
    }


def line(name: str, variant: str | None, *assets: Json, number: int = 1234567) -> Json:  # noqa: D103 - as above
    return {
        "product": {
            "id": f"82664d96-6dfd-4343-96b0-05c46f{number % 1_000_000:06d}",
            "name": name,
            "variant_name": variant,
            "sku": "my-sku",
            "product_id": 123456,
            "variant_id": number,
            "vendor": "my-store",
            "tags": ["books"],
        },
        "assets": list(assets),
    }


def answer(number: int | None, lines: list[Json], assets: list[Json], *, title: str | None, text: str | None) -> Json:
    """Return the body of a response."""
    return {"order": {"order_number": number, "lines": lines, "assets": assets}, "text": {"title": title, "text": text}}


def sample_answers(base: str) -> dict[str, Json]:
    """Return the sample responses by order ID; ``base`` is the URL that serves their links."""

    def file(id: str, filename: str, **more: Any) -> Json:  # noqa: A002, ANN401 - passed on to asset()
        return asset(id, filename, f"{base}/download/{id}", **more)

    title = "Download files for your orders"
    return {
        DOCUMENTED: answer(
            1050,
            [
                line(
                    "My new Book",
                    "Paper back",
                    file("82664d96-6dfd-4343-96b0-05c46f412a5b", "My new book", downloaded=5, is_link=True),
                ),
                line("My new Book", "Hard back", number=1234563),
            ],
            [file("82664d96-6dfd-4343-96b0-05c46f41sas", "My new book - part 2", size="20MB", is_link=True)],
            title=title,
            text=None,
        ),
        LARGE: answer(
            2300,
            [
                line(
                    f"Sound pack {pack}",
                    None,
                    *(
                        file(f"large-{pack}-{index}", f"loop_{pack:02d}_{index:02d}.wav", downloaded=index % 4, limit=5)
                        for index in range(30)
                    ),
                    number=pack,
                )
                for pack in range(10)
            ],
            [],
            title=title,
            text="Thank you for your order! Unpack the files on a computer.",
        ),
        USED_UP: answer(
            1051,
            [
                line(
                    "Wallpaper set",
                    "4K",
                    file("used-up-1", "wallpapers.zip", downloaded=3, limit=3),
                    file("used-up-2", "wallpapers-bonus.zip", downloaded=2, limit=3),
                )
            ],
            [],
            title=title,
            text=None,
        ),
        EMPTY: answer(1052, [line("Knitting pattern", "Scarf")], [], title=title, text=None),
        SLOW: answer(1053, [], [file("slow-1", "slow but sure.pdf")], title=title, text=None),
        HOSTILE: answer(
            666,
            [
                line(
                    "**Free** ||gift|| <@&1> @everyone",
                    "`code` [x](https://evil.example)",
                    file("hostile-1", "https://evil.example/free.exe"),
                    asset("hostile-2", "](https://evil.example) \u202egpj.exe", "javascript:alert(1)"),
                    asset("hostile-3", "# Big\n> quote\n-# small", "https://user:pass@evil.example/x"),
                    asset("hostile-4", "\u200b\u200b", None),
                    {"data": "not an asset"},
                    file("hostile-5", "a (very) [odd] name_with_*stars*.zip", limit=None, size=None),
                )
            ],
            [],
            title="@here **Win** <#1>",
            text="# Heading\n- list\n> quote\n[click](https://evil.example)",
        ),
    }
