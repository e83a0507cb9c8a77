"""Which files a customer finds by a part of a name."""

from dataclasses import replace

import pytest
from parsing import order

from fileflare_bot.demo.orders import answer, asset, line
from fileflare_bot.downloads.entries import files_named
from fileflare_bot.orders.models import Order


def file(name: str) -> dict[str, object]:
    return asset(name, f"{name}.zip", f"https://files.example/{name}")


def shop() -> Order:
    """An order of two products, one of them in two variants, with a file of its own."""
    lines = [
        line("Drum loops", "Wet", file("kick_01"), file("snare-02"), number=1),
        line("Drum loops", "Dry", file("kick_03"), number=2),
        line("Piano", None, file("soft kick pedal"), number=3),
    ]
    return order(answer(1050, lines, [file("Licence")], title="Thanks!", text="Read me."))


@pytest.mark.parametrize(
    ("part", "found"),
    [
        ("snare", ["snare-02"]),
        ("SNARE 02", ["snare-02"]),
        ("kick", ["kick_01", "kick_03", "soft kick pedal"]),
        ("kick-0", ["kick_01", "kick_03"]),
        ("licence", ["Licence"]),
        ("drum", ["kick_01", "snare-02", "kick_03"]),
        ("dry", ["kick_03"]),
        ("loops wet", ["kick_01", "snare-02"]),
        ("pedal soft", ["soft kick pedal"]),
        ("piano pedal", ["soft kick pedal"]),
        ("piano drum", []),
        ("snare piano", []),
        (" _-. ", []),
        ("", []),
    ],
)
def test_files_are_found_by_parts_of_their_own_names_and_their_products(part: str, found: list[str]) -> None:
    assert [each.data.id for each in files_named(shop(), part).all_assets()] == found


def test_what_is_found_as_it_is_written_comes_without_what_only_has_the_words() -> None:
    raw = answer(1, [], [file("soft kick"), file("kick soft")], title=None, text=None)

    assert [each.data.id for each in files_named(order(raw), "soft kick").assets] == ["soft kick"]


def test_what_is_found_keeps_its_product_and_the_orders_number_and_title_but_no_empty_product() -> None:
    found = files_named(shop(), "kick_0")

    assert [(each.product.name, each.product.variant_name) for each in found.lines] == [
        ("Drum loops", "Wet"),
        ("Drum loops", "Dry"),
    ]
    assert (found.order_number, found.text.title, found.text.text) == (1050, "Thanks!", None)
    assert not found.incomplete
    assert files_named(replace(shop(), incomplete=True), "kick_0").incomplete
