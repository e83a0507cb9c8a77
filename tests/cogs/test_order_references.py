"""From a paste to an order: what a refusal says to do next, in the owner's words too, and IDs in capitals."""

import asyncio
from typing import Any

import pytest
from aiohttp import web
from desk import Desk, embed, first_option, labels, options, page, reply
from simcord.actors import MemberActor
from simcord.results import InteractionResult

from fileflare_bot import discord_limits as limits
from fileflare_bot.demo import orders
from fileflare_bot.orders.reference import OrderReference
from fileflare_bot.storage.errors import StorageUnavailable
from fileflare_bot.storage.options import Match, Options, RoleRule, Wording
from fileflare_bot.storage.records import SavedOrder
from fileflare_bot.storage.saved_orders import MOST_SAVED

NEW_ACCOUNTS = "https://shopify.com/12345/account/orders/6789012345"
CAPITALS = orders.DOCUMENTED.upper()
WORDS = "Open **My books** on our website.\n@everyone finds it there."
ACCOUNT = "https://my-store.com/account"
PASTES = [
    "   ",
    "#1050",
    NEW_ACCOUNTS,
    "https://my-store.com/checkouts/cn/Z2NwLXVzLWVhc3Q/thank-you",
    "https://my-store.com/products/my-new-book",
    "casey@example.com",
    "ABCD-1234-EFGH-5678",
    "where are my files??",
    orders.UNKNOWN,
]


async def says_where(desk: Desk, where: str = WORDS, account_url: str = ACCOUNT) -> None:
    """Say as the owner where customers find their order link."""
    setup = await desk.owner.slash(desk.channel, "store setup")
    shown = await desk.owner.click(reply(setup), label="The panel's words")
    await desk.owner.submit_modal(shown, {"where": f"{account_url}\n{where}".strip()})


@pytest.mark.parametrize(
    ("locale", "said"),
    [
        (
            "en-US",
            (
                "The link in your order confirmation email does. On a phone, press and hold **View your order** there, "
                "then **Copy link**; on a computer, right-click it and copy the link. Paste that link without opening "
                "it first."
            ),
        ),
        (
            "de",
            (
                "Sie steht im Link deiner Bestätigungs-E-Mail. Halte dort auf dem Handy **Bestellung ansehen** "
                "gedrückt und wähle **Link kopieren**; am Computer klickst du mit der rechten Maustaste darauf "
                "und kopierst den Link. Füge diesen Link ein, ohne ihn vorher zu öffnen."
            ),
        ),
    ],
)
async def test_who_pastes_the_address_of_a_new_customer_account_reads_how_to_copy_the_link(
    desk: Desk, locale: str, said: str
) -> None:
    desk.speaks(desk.customer, locale)

    refused = await desk.mydownloads(NEW_ACCOUNTS)

    assert reply(refused).content.splitlines()[1:] == [said]
    assert reply(refused).embeds == []


@pytest.mark.parametrize(
    ("locale", "next_step", "ask_for_help"),
    [
        ("en-US", "and paste that instead. An order link looks like", "it is still unknown, ask for help."),
        (
            "de",
            "und füge stattdessen diesen ein. Ein Bestelllink sieht so aus",
            "sie trotzdem unbekannt ist, bitte um Hilfe.",
        ),
    ],
)
async def test_each_refusal_says_what_to_paste_and_an_unknown_order_whom_to_ask(
    desk: Desk, locale: str, next_step: str, ask_for_help: str
) -> None:
    desk.speaks(desk.customer, locale)

    for pasted in PASTES:
        said = reply(await desk.mydownloads(pasted)).content
        assert next_step in said or pasted == NEW_ACCOUNTS
        assert (ask_for_help in said) is (pasted == orders.UNKNOWN)


@pytest.mark.parametrize("locale", ["en-US", "de"])
async def test_every_refused_reference_is_shown_with_the_owners_own_words(desk: Desk, locale: str) -> None:
    await says_where(desk)
    desk.speaks(desk.customer, locale)
    title = {"en-US": "Where do I find my order link?", "de": "Wo finde ich meinen Bestelllink?"}[locale]

    for pasted in PASTES:
        refused = await desk.mydownloads(pasted)
        assert embed(refused).title == title
        assert embed(refused).description == f"<{ACCOUNT}>\n{WORDS}"
        assert len(labels(reply(refused))) == 2

    shown = await desk.customer.click(reply(refused), custom_id="downloads:ask")
    assert embed(await desk.fill_in(shown, "#1050")).description == f"<{ACCOUNT}>\n{WORDS}"


async def test_the_owners_words_alone_or_the_address_alone_will_do(desk: Desk) -> None:
    await says_where(desk, account_url="")
    assert embed(await desk.mydownloads("#1050")).description == WORDS

    await says_where(desk, where="")
    assert embed(await desk.mydownloads("#1050")).description == f"<{ACCOUNT}>"


async def test_the_longest_words_of_an_owner_fit_however_they_are_written(desk: Desk) -> None:
    longest = Wording(where="`" * 500, account_url="https://my-store.com/".ljust(300, "x"))
    await desk.bot.storage.guilds.change(desk.guild.id, desk.owner.id, options=Options(wording=longest))

    for pasted in PASTES:
        refused = await desk.mydownloads(pasted)
        assert limits.size(reply(refused).content) <= limits.CONTENT
        assert str(embed(refused).description).endswith("\n" + longest.where)


async def test_in_a_direct_message_and_while_the_database_is_away_the_bots_own_words_are_all(
    desk: Desk, monkeypatch: pytest.MonkeyPatch
) -> None:
    await says_where(desk)

    at_home = await desk.at_home.slash("mydownloads", **{"order-id": "#1050"})
    assert "In your order confirmation email" in reply(at_home).content
    assert reply(at_home).embeds == []

    def gone(*_arguments: object) -> None:
        raise ConnectionRefusedError

    monkeypatch.setattr(desk.bot.storage._database, "_sessions", gone)  # noqa: SLF001 - the fault itself
    desk.bot.storage.guilds.forget([desk.guild.id])  # as after a restart
    away = await desk.mydownloads("#1050")
    assert "In your order confirmation email" in reply(away).content
    assert reply(away).embeds == []


async def test_an_outage_is_not_shown_with_where_the_link_is(desk: Desk) -> None:
    async def down(_request: web.Request) -> web.StreamResponse:
        return web.Response(status=503)

    await says_where(desk)
    desk.sample.fault = down

    refused = await desk.mydownloads(orders.DOCUMENTED)

    assert "Fileflare cannot be reached" in reply(refused).content
    assert reply(refused).embeds == []


@pytest.mark.parametrize(
    ("locale", "wanted"),
    [
        (
            "en-US",
            (
                "**Worth adding: where your customers find their order link.** Press **The panel's words**, and fill "
                "in **Where do I find my order link?**"
            ),
        ),
        ("de", "**Es lohnt sich: sag, wo eure Kunden ihren Bestelllink finden.**"),
    ],
)
async def test_setup_asks_the_owner_where_the_order_link_is_until_they_have_said_it(
    desk: Desk, locale: str, wanted: str
) -> None:
    desk.speaks(desk.owner, locale)
    assert wanted in page(await desk.owner.slash(desk.channel, "store setup"))

    options = Options(wording=Wording(where=WORDS))
    await desk.bot.storage.guilds.change(desk.guild.id, desk.owner.id, options=options)

    assert wanted not in page(await desk.owner.slash(desk.channel, "store setup"))


@pytest.mark.parametrize("pasted", [CAPITALS, f"HTTPS://MY-STORE.COM/ACCOUNT/ORDERS/{CAPITALS}", CAPITALS.capitalize()])
async def test_an_order_in_capitals_is_opened_with_one_request_and_refreshed(desk: Desk, pasted: str) -> None:
    opened = await desk.mydownloads(pasted)

    assert "Order #1050" in reply(opened).content
    assert desk.sample.requests == {orders.DOCUMENTED: 1}
    desk.bot.lookups.refresh_seconds = 0
    refreshed = await desk.customer.click(reply(opened), label="Refresh")
    assert "5 of 10 left" in str(embed(refreshed).description)
    assert desk.sample.requests == {orders.DOCUMENTED: 2}


@pytest.mark.limits(misses_per_user=2)
async def test_a_made_up_id_in_capitals_is_one_miss(desk: Desk) -> None:
    said = [reply(await desk.mydownloads("ABCDEF0123456789ABCDEF0123456789")).content for _ in range(3)]

    assert ["knows no order" in each for each in said] == [True, True, False]
    assert "Several order IDs were unknown here" in said[2]


async def counts_for_buyers(desk: Desk) -> None:
    """Let a product of the sample orders bring a role."""
    await desk.confirms_the_product()
    role = desk.guild.create_role("Buyer")
    options = desk.bot.storage.guilds.get(desk.guild.id).options
    rules = (RoleRule(match=Match.ANY_ORDER, role_ids=(role.id,)),)
    options = options.model_copy(update={"buyers_roles": True, "rules": rules})
    await desk.bot.storage.guilds.change(desk.guild.id, desk.owner.id, options=options)


@pytest.mark.parametrize("spellings", [(orders.DOCUMENTED, CAPITALS), (CAPITALS, orders.DOCUMENTED)])
async def test_an_order_counts_once_however_its_id_is_written(desk: Desk, spellings: tuple[str, str]) -> None:
    for spelling in spellings:  # a Fileflare that compares IDs without regard to capitals
        desk.sample.answers[spelling] = desk.sample.answers[orders.DOCUMENTED]
    await counts_for_buyers(desk)
    first = await desk.mydownloads(spellings[0])
    assert "New role for you: **Buyer**" in reply(first).content

    second = await desk.mydownloads(spellings[1], person=desk.member)

    assert "Another account here uses this order already" in str(embed(second).fields[0].value)


async def found_by_moderators(desk: Desk, spelling: str) -> InteractionResult:
    return await desk.moderator.slash(desk.channel, "claims order", **{"order-id": spelling})


async def test_moderators_find_and_check_an_order_in_capitals(desk: Desk) -> None:
    await counts_for_buyers(desk)
    await desk.mydownloads(CAPITALS)

    for spelling in (CAPITALS, orders.DOCUMENTED):
        assert reply(await found_by_moderators(desk, spelling)).content == "1 order counts"
        checked = await desk.moderator.slash(desk.channel, "check", **{"order-id": spelling})
        assert "1050" in reply(checked).content


async def test_a_saved_order_in_capitals_is_saved_once_in_small_letters(desk: Desk) -> None:
    for spelling in (CAPITALS, orders.DOCUMENTED):
        shown = await desk.mydownloads(spelling)
        await desk.customer.click(reply(shown), label="Remember this order")

    (saved,) = await desk.bot.storage.saved_orders.of_user(desk.customer.id)
    assert saved.reference is not None
    assert saved.reference.token == orders.DOCUMENTED


async def test_help_with_an_order_in_capitals_is_about_the_order_itself(desk: Desk) -> None:
    await desk.set_up()
    refused = await desk.mydownloads("#1050")
    shown = await desk.customer.click(reply(refused), label="Get help")
    values: dict[str, Any] = {"topic": "other", "words": "Please help.", "order": CAPITALS, "number": "1050"}
    await desk.customer.submit_modal(shown, values)
    assert "1050" in str(desk.card().embeds[0].to_dict())

    added = await desk.ask_for_help(orders.DOCUMENTED, words="Me again.")

    assert "added your words to help request #1" in reply(added).content


async def remembers(desk: Desk, *tokens: str) -> None:
    for token in tokens:
        shown = await desk.mydownloads(token)
        await desk.customer.click(reply(shown), label="Remember this order")


async def panel_pressed(desk: Desk, person: MemberActor) -> InteractionResult:
    await desk.owner.slash(desk.channel, "store panel")
    panel = desk.channel.last_message
    assert panel is not None
    return await person.click(panel, custom_id="downloads:ask")


@pytest.mark.parametrize("from_panel", [False, True])
@pytest.mark.parametrize(
    ("locale", "text", "another", "title"),
    [
        (
            "en-US",
            "**Which order?** Choose one that I remember, or press **Another order** to paste a link.",
            "Another order",
            "Get my downloads",
        ),
        (
            "de",
            (
                "**Welche Bestellung?** Wähle eine, die ich mir gemerkt habe, oder drücke **Andere Bestellung**, um "
                "einen Link einzufügen."
            ),
            "Andere Bestellung",
            "Meine Downloads",
        ),
    ],
)
async def test_saved_orders_are_offered_beside_another_one(
    desk: Desk, locale: str, text: str, another: str, title: str, *, from_panel: bool
) -> None:
    await remembers(desk, orders.USED_UP, orders.DOCUMENTED)
    desk.speaks(desk.customer, locale)

    asked = await panel_pressed(desk, desk.customer) if from_panel else await desk.mydownloads()

    assert asked.ephemeral
    assert reply(asked).content == text
    assert next(option["label"] for option in options(asked)) == "#1050 · My new Book"
    assert not [token for token in (orders.USED_UP, orders.DOCUMENTED) if token in str(reply(asked).components)]
    opened = await desk.customer.select(reply(asked), [first_option(asked)], custom_id="downloads:saved")
    assert "#1050" in reply(opened).content
    shown = await desk.customer.click(reply(asked), label=another)
    assert shown.modal is not None
    assert shown.modal["title"] == title
    assert "#1052" in reply(await desk.fill_in(shown, orders.EMPTY)).content


async def test_without_a_saved_order_the_form_opens_at_once_and_nobody_sees_anothers(desk: Desk) -> None:
    await remembers(desk, orders.DOCUMENTED)

    assert (await desk.mydownloads(person=desk.member)).modal is not None
    assert (await panel_pressed(desk, desk.member)).modal is not None


async def test_the_longest_names_and_as_many_as_are_kept_fit_the_select(desk: Desk) -> None:
    for number in range(MOST_SAVED):
        reference = OrderReference(f"{number:032x}")
        await desk.bot.storage.saved_orders.save(desk.customer.id, reference, "N" * 300)

    offered = options(await desk.mydownloads())

    assert [limits.size(option["label"]) for option in offered] == [limits.OPTION_LABEL] * MOST_SAVED


@pytest.mark.parametrize("from_panel", [False, True])
@pytest.mark.parametrize("seconds", [0, 8])
async def test_the_form_opens_as_the_first_response_while_the_database_is_away(
    desk: Desk, monkeypatch: pytest.MonkeyPatch, seconds: float, *, from_panel: bool
) -> None:
    await remembers(desk, orders.DOCUMENTED)
    panel = None
    if from_panel:
        await desk.owner.slash(desk.channel, "store panel")
        panel = desk.channel.last_message

    async def away(_user_id: int) -> list[SavedOrder]:
        await asyncio.sleep(seconds)
        raise StorageUnavailable

    monkeypatch.setattr(desk.bot.storage.saved_orders, "of_user", away)
    before = len(desk.calls())
    shown = await (desk.customer.click(panel, custom_id="downloads:ask") if panel else desk.mydownloads())

    assert shown.modal is not None
    assert desk.calls()[before:] == [("POST", "callback")]


@pytest.mark.parametrize(
    ("locale", "said"),
    [
        ("en-US", "/mydownloads still opens an order by its link;"),
        ("de", "/meine-downloads öffnet Bestellungen weiterhin über ihren Link;"),
    ],
)
async def test_who_chooses_a_saved_order_while_the_database_is_away_reads_how_to_open_it(
    desk: Desk, monkeypatch: pytest.MonkeyPatch, locale: str, said: str
) -> None:
    await remembers(desk, orders.DOCUMENTED)
    desk.speaks(desk.customer, locale)
    asked = await desk.mydownloads()

    def gone(*_arguments: object) -> None:
        raise ConnectionRefusedError

    monkeypatch.setattr(desk.bot.storage._database, "_sessions", gone)  # noqa: SLF001 - the fault itself
    refused = await desk.customer.select(reply(asked), [first_option(asked)], custom_id="downloads:saved")

    assert said in reply(refused).content


@pytest.mark.parametrize(
    ("pasted", "is_cut"),
    [
        ("0c732eb6fd9802a0", True),
        ("https://my-store.com/account/orders/0c732eb6fd9802a0821a9d29888baee", True),
        ("0c732eb6fd9802a0821a9d29888baee9", False),
        ("0c732eb6fd9802a0821a9d29888baee8a", False),
        ("order-0c732eb6fd9802", False),
    ],
)
async def test_an_unknown_id_that_is_too_short_is_said_to_be_cut_off(desk: Desk, pasted: str, is_cut: bool) -> None:  # noqa: FBT001
    said = reply(await desk.mydownloads(pasted)).content

    length = len(pasted.rpartition("/")[2])
    assert said.startswith("**Fileflare knows no order with that ID.**")
    assert (f"It has only {length} characters; an order ID mostly has 32, so it may be cut off." in said) == is_cut
