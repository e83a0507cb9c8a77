"""What a customer sees, through the simulated Discord."""

import re

import aiohttp
import pytest
from desk import Desk, Log, buttons, custom_id, embed, labels, links, options, reply
from presses import numbered
from simcord.results import InteractionResult

from fileflare_bot.demo import orders

ORDER_PAGES = (
    f"https://my-store.com/account/orders/{orders.DOCUMENTED}",
    f"<https://my-store.com/account/orders/{orders.DOCUMENTED}>",
    f"https://my-store.com/account/orders/{orders.DOCUMENTED}/?locale=de#files",
    f"https://my-store.com/de/account/orders/{orders.DOCUMENTED}",
    f"https://my-store.com/12345678/orders/{orders.DOCUMENTED}/authenticate?key={'k' * 700}",
    f"  my-store.com/12345678/orders/{orders.DOCUMENTED}  ",
    f"Here is my order: https://my-store.com/account/orders/{orders.DOCUMENTED}. Thanks!",
)


async def test_the_documented_order_is_shown_with_both_files_and_what_is_left(desk: Desk) -> None:
    result = await desk.mydownloads(orders.DOCUMENTED)

    assert result.ephemeral
    shown = embed(result)
    base = desk.sample.url
    assert shown.title == "Download files for your orders"
    assert shown.description is not None
    assert shown.description.splitlines() == [
        "**My new Book — Paper back**",
        f"🔗 [My new book]({base}/download/82664d96-6dfd-4343-96b0-05c46f412a5b) · 10MB · 5 of 10 left",
        "",
        "**My new Book — Hard back** · no files",
        "",
        "**For the whole order**",
        f"🔗 [My new book - part 2]({base}/download/82664d96-6dfd-4343-96b0-05c46f41sas) · 20MB · 10 of 10 left",
    ]
    assert shown.footer.text == "🔗 external link"
    assert reply(result).content == "Order #1050 · 2 files"
    files = ["My new book (5 left)", "My new book - part 2 (10 left)"]
    assert labels(reply(result)) == [*files, "Refresh", "Get help", "Remember this order"]


async def test_a_fast_reply_takes_one_discord_call(desk: Desk) -> None:
    await desk.mydownloads(orders.DOCUMENTED)

    assert desk.calls() == [("POST", "callback")]


async def test_a_slow_reply_is_acknowledged_privately_and_then_filled_in(desk: Desk) -> None:
    desk.hold()

    result = await desk.mydownloads(orders.DOCUMENTED)
    await desk.env.advance_time(0.9)
    assert not result.acknowledged
    await desk.env.advance_time(0.1)
    assert result.deferred
    assert result.ephemeral
    await desk.release()

    assert desk.calls() == [("POST", "callback"), ("PATCH", "original")]
    assert "5 of 10 left" in str(embed(result).description)


@pytest.mark.parametrize("pasted", ORDER_PAGES)
async def test_every_shape_of_an_order_link_is_understood(desk: Desk, pasted: str) -> None:
    result = await desk.mydownloads(pasted)

    assert "Order #1050" in reply(result).content
    assert desk.sample.requests == {orders.DOCUMENTED: 1}


async def test_without_an_option_a_modal_asks_and_says_where_the_link_is(desk: Desk) -> None:
    shown = await desk.mydownloads()

    assert shown.modal is not None
    (label,) = shown.modal["components"]
    assert label["label"] == "Order link or order ID"
    assert "In the email, press and hold" in label["description"]
    result = await desk.fill_in(shown, ORDER_PAGES[0])
    assert result.ephemeral
    assert "Order #1050" in reply(result).content


async def test_a_modal_opened_before_a_restart_still_works(desk: Desk) -> None:
    shown = await desk.mydownloads()
    await desk.restart()

    result = await desk.fill_in(shown, orders.DOCUMENTED)

    assert "Order #1050" in reply(result).content


async def test_a_reply_is_seen_by_nobody_else(desk: Desk) -> None:
    result = await desk.mydownloads(orders.DOCUMENTED)

    seen_by_member = [message.id for message in desk.channel.history(viewer=desk.member)]
    assert reply(result).id not in seen_by_member
    assert reply(result).id in [message.id for message in desk.channel.history(viewer=desk.customer)]


def shown_files(result: InteractionResult) -> list[str]:
    """Return the addresses in the list of a reply."""
    return re.findall(r"\]\((\S+)\)", str(embed(result).description))


def large_file(desk: Desk, pack: int, index: int) -> str:
    return f"{desk.sample.url}/download/large-{pack}-{index}"


async def jump(desk: Desk, result: InteractionResult, label: str) -> InteractionResult:
    """Choose the first option of this label in a large order's select."""
    value = next(option["value"] for option in options(result) if option["label"] == label)
    return await desk.customer.select(reply(result), [value], custom_id=custom_id(reply(result), ":jump:"))


async def find(desk: Desk, result: InteractionResult, part: str, label: str = "Find") -> InteractionResult:
    """Press Find and submit a part of a name."""
    asked = await desk.customer.click(reply(result), label=label)
    return await desk.customer.submit_modal(asked, {"name": part})


async def test_every_file_of_300_is_reached_by_paging(desk: Desk) -> None:
    result = await desk.mydownloads(orders.LARGE)
    turned, seen, pages = result, shown_files(result), 1
    while not next(button for button in buttons(reply(turned)) if button.get("label") == "Next").get("disabled"):
        turned = await desk.customer.click(reply(turned), label="Next")
        assert reply(turned).id == reply(result).id
        seen += shown_files(turned)
        pages += 1

    assert seen == [large_file(desk, pack, index) for pack in range(10) for index in range(30)]
    assert pages <= 12
    assert f"Page {pages} of {pages} · 1,070 downloads left" in str(embed(turned).footer.text)
    back = await desk.customer.click(reply(turned), label="Previous")
    assert f"Page {pages - 1} of {pages}" in str(embed(back).footer.text)
    assert desk.sample.requests == {orders.LARGE: 1}


@pytest.mark.parametrize(
    ("locale", "words"),
    [
        ("en-US", ["Previous", "Next", "Find", "Refresh", "Get help", "Remember this order"]),
        ("de", ["Zurück", "Weiter", "Suchen", "Aktualisieren", "Hilfe holen", "Bestellung merken"]),
    ],
)
async def test_a_large_order_has_three_link_buttons_a_select_and_labelled_buttons(
    desk: Desk, locale: str, words: list[str]
) -> None:
    desk.speaks(desk.customer, locale)

    result = await desk.mydownloads(orders.LARGE)

    shown = buttons(reply(result))
    assert [each["url"] for each in shown if "url" in each] == [large_file(desk, 0, index) for index in range(3)]
    assert [words[:3], "options" in shown[0]] == [[each.get("label") for each in shown[1:4]], True]
    (select,) = [each for each in shown if "options" in each]
    assert select["placeholder"] in {"Go to a product or a page", "Zu einem Produkt oder einer Seite gehen"}
    assert [each["label"] for each in shown if "url" not in each and "options" not in each] == words


async def test_a_product_of_300_files_is_chosen_by_its_name(desk: Desk) -> None:
    result = await desk.mydownloads(orders.LARGE)

    jumped = await jump(desk, result, "Sound pack 7")

    assert reply(jumped).id == reply(result).id
    assert large_file(desk, 7, 0) in shown_files(jumped)
    assert [option["label"] for option in options(jumped) if option.get("default")] == ["Sound pack 7"]
    files = shown_files(jumped)
    refreshed = await desk.customer.click(reply(jumped), label="Refresh")
    assert shown_files(refreshed) == files


async def test_the_select_names_the_page_that_it_opens_and_keeps_its_numbers(desk: Desk) -> None:
    shown = await desk.mydownloads(orders.LARGE)
    offered = [option["description"] for option in options(shown)]

    for pack in (6, 1, 9):
        shown = await jump(desk, shown, f"Sound pack {pack}")

        assert str(embed(shown).footer.text).startswith(offered[pack].partition(" · ")[0] + " of ")
        assert [option["description"] for option in options(shown)] == offered


async def test_the_middle_of_2000_files_with_very_long_links_is_two_choices_away(desk: Desk) -> None:
    desk.sample.answers[orders.LARGE] = numbered(2000, link=2000)
    result = await desk.mydownloads(orders.LARGE)

    ranges = await jump(desk, result, "file 960.zip … file 1039.zip")
    inside = await jump(desk, ranges, "file 1000.zip … file 1003.zip")
    assert "Page 1,001 of 2,000" in str(embed(inside).footer.text)
    assert "[file 1000.zip]" in str(embed(inside).description)
    exact = await jump(desk, inside, "file 1002.zip")
    assert "[file 1002.zip]" in str(embed(exact).description)
    ranges = await jump(desk, exact, "file 1040.zip … file 1119.zip")
    up = await jump(desk, ranges, "The whole order")
    assert "Page 1 of" in str(embed(up).footer.text)
    assert options(up)[0]["label"] == "file 0.zip … file 79.zip"


async def test_find_shows_the_files_with_that_in_their_name_and_a_way_back(desk: Desk) -> None:
    result = await desk.mydownloads(orders.LARGE)

    found = await find(desk, result, "LOOP_07_1")

    assert reply(found).id == reply(result).id
    assert reply(found).content == "Order #2300 · 10 of 300 files · 🔎 LOOP\\_07\\_1"
    assert shown_files(found) == [large_file(desk, 7, index) for index in range(10, 20)]
    assert labels(reply(found))[3:] == ["Find", "All files", "Refresh", "Get help", "Remember this order"]
    again = await find(desk, found, "loop_03_05")
    assert shown_files(again) == [large_file(desk, 3, 5)]
    refreshed = await desk.customer.click(reply(again), label="Refresh")
    assert shown_files(refreshed) == [large_file(desk, 3, 5)]
    everything = await desk.customer.click(reply(refreshed), label="All files")
    assert reply(everything).content == "Order #2300 · 300 files"
    assert shown_files(everything)[0] == large_file(desk, 0, 0)


async def test_all_files_leads_back_to_the_page_on_which_find_was_pressed(desk: Desk) -> None:
    result = await desk.mydownloads(orders.LARGE)
    second = await desk.customer.click(reply(result), label="Next")
    before = embed(second).footer.text

    found = await find(desk, second, "loop_03_05")
    again = await find(desk, found, "loop_07_12")
    back = await desk.customer.click(reply(again), label="All files")

    assert str(before).startswith("Page 2 of ")
    assert embed(back).footer.text == before


async def test_all_files_leaves_the_list_where_it_is_if_nothing_was_found(desk: Desk) -> None:
    result = await desk.mydownloads(orders.LARGE)
    second = await desk.customer.click(reply(result), label="Next")

    none = await find(desk, second, "loop_99")
    everything = await desk.customer.click(reply(none), label="All files")

    assert embed(everything).footer.text == embed(second).footer.text


async def test_a_german_customer_finds_files_in_german(desk: Desk) -> None:
    desk.speaks(desk.customer, "de")
    result = await desk.mydownloads(orders.LARGE)

    asked = await desk.customer.click(reply(result), label="Suchen")
    assert asked.modal is not None
    assert asked.modal["title"] == "Dateien suchen"
    assert asked.modal["components"][0]["label"] == "Ein Teil des Datei- oder Produktnamens"
    found = await desk.customer.submit_modal(asked, {"name": "loop_07_1"})

    assert reply(found).content == "Bestellung #2300 · 10 von 300 Dateien · 🔎 loop\\_07\\_1"
    assert "Alle Dateien" in labels(reply(found))
    none = await find(desk, found, "loop_99", "Suchen")
    assert reply(none).content.startswith("**Keine Datei hat „loop\\_99“ im Namen, auch kein Produkt.**")


async def test_matches_on_several_pages_are_turned_and_chosen_like_all_files(desk: Desk) -> None:
    result = await desk.mydownloads(orders.LARGE)

    found = await find(desk, result, "_1")

    files = shown_files(found)
    following = await desk.customer.click(reply(found), label="Next")
    files += shown_files(following)
    assert len(files) > 30
    assert all("-1" in file for file in files)
    assert "· 🔎 \\_1" in reply(following).content
    assert "Page 2 of" in str(embed(following).footer.text)
    jumped = await jump(desk, found, "Sound pack 8")
    assert large_file(desk, 8, 10) in shown_files(jumped)


async def test_a_search_without_a_match_keeps_the_list_and_says_so(desk: Desk) -> None:
    result = await desk.mydownloads(orders.LARGE)

    none = await find(desk, result, "loop_99")

    assert none.ephemeral
    assert reply(none).id != reply(result).id
    assert reply(none).content == (
        "**No file has “loop\\_99” in its name, nor in its product's.** Press **Find** again with less of it."
    )
    assert labels(reply(none)) == ["Find", "All files"]
    again = await desk.customer.click(reply(none), label="Find")
    found = await desk.customer.submit_modal(again, {"name": "loop_09"})
    assert "loop_09" in reply(found).content.replace("\\", "")
    assert "Page 2 of" in str(embed(await desk.customer.click(reply(result), label="Next")).footer.text)


async def test_an_order_link_in_find_is_not_repeated_nor_logged(desk: Desk, log: Log) -> None:
    result = await desk.mydownloads(orders.LARGE)

    none = await find(desk, result, ORDER_PAGES[0])

    assert orders.DOCUMENTED not in reply(none).content + log.getvalue()


async def test_a_small_order_has_neither_find_nor_a_select(desk: Desk) -> None:
    result = await desk.mydownloads(orders.DOCUMENTED)

    assert "Find" not in labels(reply(result))
    assert all("options" not in each for each in buttons(reply(result)))


@pytest.mark.parametrize("press", ["jump", "find", "found", "previous", "all"])
async def test_the_select_and_find_of_an_expired_list_say_how_to_get_a_new_one(desk: Desk, press: str) -> None:
    result = await desk.mydownloads(orders.LARGE)
    found = await find(desk, result, "_1")
    following = await desk.customer.click(reply(found), label="Next")
    asked = await desk.customer.click(reply(following), label="Find")
    await desk.restart()

    if press == "jump":
        stale = await jump(desk, following, "Sound pack 8")
    elif press == "found":
        stale = await desk.customer.submit_modal(asked, {"name": "loop"})
    else:
        stale = await desk.customer.click(reply(following), custom_id=custom_id(reply(following), f":{press}:"))

    assert stale.ephemeral
    assert "no longer live" in reply(stale).content
    assert labels(reply(stale)) == ["Get my downloads"]


@pytest.mark.parametrize(
    ("locale", "desk_here", "said"),
    [
        ("en-US", True, "Nothing left on a file? **Press Get help** for more"),
        ("en-US", False, "Nothing left on a file? Ask this store's support for more"),
        ("de", True, "**Drücke Hilfe holen**: Erhöht der Shop die Zahl, geht der alte Link wieder."),
        ("de", False, "Bitte den Support dieses Shops um mehr: Erhöht er die Zahl, geht der alte Link wieder."),
    ],
)
async def test_a_used_up_file_names_get_help_where_there_is_a_help_desk(
    desk: Desk,
    locale: str,
    desk_here: bool,  # noqa: FBT001 - a parameter
    said: str,
) -> None:
    desk.speaks(desk.customer, locale)
    if desk_here:
        await desk.set_up()

    result = await desk.mydownloads(orders.USED_UP)

    assert said in str(embed(result).description)


@pytest.mark.parametrize(
    ("locale", "pasted"),
    [
        *(("en-US", pasted) for pasted in (orders.USED_UP, orders.HOSTILE, orders.EMPTY, orders.UNKNOWN)),
        *(("en-US", pasted) for pasted in ("a1" * 10, "#1050", "mailto@my-store.com", "https://my-store.com/")),
        *(("de", pasted) for pasted in (orders.USED_UP, orders.EMPTY, orders.UNKNOWN, "#1050")),
    ],
)
async def test_in_a_direct_message_all_that_is_wrong_names_once_the_way_to_help(
    desk: Desk, locale: str, pasted: str
) -> None:
    await desk.set_up()
    desk.speaks(desk.at_home, locale)
    way = {
        "en-US": "se /mydownloads in the store's server and press **Get help** there",
        "de": "/meine-downloads auf dem Server des Shops und drücke dort **Hilfe holen**",
    }[locale]

    shown = reply(await desk.at_home.slash("mydownloads", **{"order-id": pasted}))

    assert (shown.content + "".join(str(each.description) for each in shown.embeds)).count(way) == 1
    assert not {"Get help", "Hilfe holen"} & {*labels(shown)}


@pytest.mark.limits(misses_per_user=5)
async def test_in_direct_messages_a_refusal_names_the_server_for_help(desk: Desk) -> None:
    await desk.set_up()
    user = desk.customer.user

    refused = [await user.slash("mydownloads", **{"order-id": f"{number}" + "a" * 31}) for number in range(6)]

    assert [labels(reply(each)) for each in refused[:5]] == [["Get my downloads"]] * 4 + [[]]
    said = [reply(each).content for each in refused]
    assert [text.count("in the store's server and press **Get help** there") for text in said] == [1] * 6
    assert "Get help" in labels(reply(await desk.mydownloads("b" * 32)))


async def test_refresh_shows_the_count_fall_after_a_download(desk: Desk) -> None:
    desk.bot.lookups.refresh_seconds = 0
    result = await desk.mydownloads(orders.DOCUMENTED)
    async with aiohttp.ClientSession() as browser, browser.get(links(reply(result))[0]) as download:
        assert download.status == 200

    refreshed = await desk.customer.click(reply(result), label="Refresh")

    assert reply(refreshed).id == reply(result).id
    assert "4 of 10 left" in str(embed(refreshed).description)
    assert "My new book (4 left)" in labels(reply(refreshed))


async def test_a_refresh_that_fails_keeps_the_list_and_says_why(desk: Desk) -> None:
    result = await desk.mydownloads(orders.DOCUMENTED)
    desk.bot.lookups.refresh_seconds = 0
    await desk.sample.stop()

    refused = await desk.customer.click(reply(result), label="Refresh")

    assert "Fileflare cannot be reached" in reply(refused).content
    assert refused.ephemeral
    assert reply(refused).id != reply(result).id
    assert "5 of 10 left" in str(embed(result).description)


async def test_a_list_from_before_a_restart_says_how_to_get_a_new_one(desk: Desk) -> None:
    result = await desk.mydownloads(orders.DOCUMENTED)
    await desk.restart()

    stale = await desk.customer.click(reply(result), label="Refresh")

    assert stale.ephemeral
    assert "no longer live" in reply(stale).content
    assert "/mydownloads" in reply(stale).content
    shown = await desk.customer.click(reply(stale), label="Get my downloads")
    assert shown.modal is not None


async def test_a_list_is_live_for_its_owner_only(desk: Desk) -> None:
    result = await desk.mydownloads(orders.DOCUMENTED)
    posted = await desk.member.slash(desk.channel, "mydownloads", **{"order-id": orders.EMPTY})
    theirs = custom_id(reply(result), ":refresh:")
    stored = desk.env.backend.get_message(desk.channel.id, reply(posted).id)
    stored.components[0]["components"][0]["custom_id"] = theirs

    pressed = await desk.member.click(reply(posted), custom_id=theirs)

    assert "no longer live" in reply(pressed).content


async def test_a_direct_message_works_like_a_channel(desk: Desk) -> None:
    user = desk.customer.user

    result = await user.slash("mydownloads", **{"order-id": orders.DOCUMENTED})

    assert result.ephemeral
    assert "Order #1050" in reply(result).content
    shown = await user.slash("mydownloads")
    filled = await user.submit_modal(shown, {"order": orders.DOCUMENTED})
    assert "Order #1050" in reply(filled).content


async def test_a_german_customer_reads_german(desk: Desk) -> None:
    desk.speaks(desk.customer, "de")

    result = await desk.mydownloads(orders.DOCUMENTED)

    assert " · 10MB · noch 5 von 10\n\n**My new Book — Hard back** · keine Dateien\n" in str(embed(result).description)
    assert reply(result).content == "Bestellung #1050 · 2 Dateien"
    assert "Aktualisieren" in labels(reply(result))
    refused = await desk.mydownloads("#1050")
    assert "Bestellnummer" in reply(refused).content
    shown = await desk.mydownloads()
    assert shown.modal is not None
    assert shown.modal["title"] == "Meine Downloads"


async def test_a_language_without_a_catalog_gets_the_default(desk: Desk) -> None:
    desk.speaks(desk.customer, "ja")

    result = await desk.mydownloads(orders.DOCUMENTED)

    assert "5 of 10 left" in str(embed(result).description)


async def test_the_command_is_there_in_servers_direct_messages_and_user_installs(desk: Desk) -> None:
    command = desk.env.backend.find_command("mydownloads", None, type=1)

    assert command is not None
    assert command["contexts"] == [0, 1, 2]
    assert command["integration_types"] == [0, 1]
    (option,) = command["options"]
    assert option["name"] == "order-id"
    assert option["max_length"] == 1500
    assert not option.get("required")
    assert command["name_localizations"]["de"] == "meine-downloads"
    assert command["description_localizations"]["de"]
    assert option["name_localizations"]["de"] == "bestell-id"


async def test_the_bot_asks_for_no_privileged_intent(desk: Desk) -> None:
    intents = desk.bot.intents

    assert not intents.message_content
    assert not intents.members
    assert not intents.presences
