"""What /store status tells an owner who knows nothing else: what is wrong, and what to do."""

import re
from collections import Counter

import discord
import pytest
from desk import Desk, embed, reply, toggle_id
from refusals import leaves

from fileflare_bot.demo import orders
from fileflare_bot.fileflare.errors import BadReference
from fileflare_bot.i18n import Catalogs
from fileflare_bot.interactions.components import COLOUR
from fileflare_bot.orders.reference import ReferenceProblem
from fileflare_bot.refusal import Refusal
from fileflare_bot.storage.options import Wording
from fileflare_bot.store.status import GROUPS, PASTES, group_of, lookup_lines

CATALOGS = Catalogs()
# Refusals that end no lookup: those of moderators' and owners' commands, of help requests, and of other places.
OF_OTHERS = {
    *(
        "already_taken",
        "bot_lacks_permission",
        "file_forgotten",
        "held_by_them",
        "makes_moderators",
        "managed_role",
        "mark_left",
        "may_not_give",
        "missing_permission",
    ),
    *(
        "moderator_of_some_channels",
        "name_taken",
        "no_desk",
        "no_such_answer",
        "no_such_claim",
        "no_such_number",
        "no_such_request",
    ),
    *(
        "form_too_late",
        "nothing_found",
        "no_own_order",
        "no_order_number",
        "no_shopify_number",
        "no_such_rule",
        "not_a_member",
        "not_a_moderator",
        "not_answered",
        "not_deleted",
        "not_for_customers",
        "not_for_moderators",
        "not_from_here",
        "not_in_server",
        "not_settings",
        "rule_needs_value",
    ),
    *("not_possible_now", "not_to_them", "not_yours", "nothing_written", "only_in_server", "order_not_known"),
    *("open_to_customers", "order_in_answer", "order_in_words"),
    *(
        "outdated_command",
        "panel_not_taken",
        "panel_pending",
        "pings_buyers",
        "powerful_role",
        "request_gone",
        "role_of_everybody",
        "thread_closed",
    ),
    *("too_many_answers", "too_many_requests", "too_many_rules", "unknown_placeholder", "wrong_value"),
}


def lines(desk_reply: discord.Embed) -> list[str]:
    """Return what the status says, without empty lines."""
    return [line for line in str(desk_reply.description).splitlines() if line]


async def status(desk: Desk) -> list[str]:
    shown = await desk.owner.slash(desk.channel, "store status")
    assert shown.ephemeral
    return lines(embed(shown))


async def test_everything_healthy_is_one_line(desk: Desk) -> None:
    await desk.set_up(log=True)
    await desk.owner.slash(desk.channel, "store panel")

    assert await status(desk) == [
        "✅ **Everything works:** Fileflare, database, permissions.",
        "__Orders in the last 24 hours__",
        "Nobody has asked for an order, as far as I know since my last start.",
    ]
    setup = await desk.owner.slash(desk.channel, "store setup")
    await desk.owner.click(reply(setup), custom_id=toggle_id(setup, "leak_guard"))
    assert (await status(desk))[0] == "✅ **Everything works:** Fileflare, database, permissions, leak guard."


async def test_it_counts_what_customers_tried_and_says_what_to_do(desk: Desk) -> None:
    await desk.set_up()
    await desk.owner.slash(desk.channel, "store panel")
    for pasted in (orders.DOCUMENTED, orders.DOCUMENTED, orders.EMPTY, "#1050", "1051", "1052", orders.UNKNOWN):
        await desk.mydownloads(pasted)
    await desk.mydownloads("https://shopify.com/12345/account/orders/987654")

    assert (await status(desk))[2:] == [
        "• **2 orders shown**",
        "• **1 order without files**",
        "→ Attach files to what they bought, in the Fileflare app. If all orders are empty, look at its plan.",
        "• **4 pastes that were not an order link** (3 order numbers, 1 account page)",
        "→ Say where customers find their order link: /store setup > **The panel's words**.",
        "• **1 ID unknown to Fileflare**",
        "→ Mostly a part of the ID is missing, or it is another store's order. They were told to copy the link anew.",
    ]


async def test_its_colour_says_whether_something_needs_fixing(desk: Desk) -> None:
    await desk.set_up()
    assert embed(await desk.owner.slash(desk.channel, "store status")).colour == discord.Colour.orange()

    await desk.owner.slash(desk.channel, "store panel")

    assert embed(await desk.owner.slash(desk.channel, "store status")).colour == COLOUR


async def test_a_german_owner_reads_it_in_german(desk: Desk) -> None:
    await desk.set_up()
    desk.speaks(desk.owner, "de")
    await desk.ask_for_help()
    await desk.mydownloads("#1050")

    assert await status(desk) == [
        "**Das ist zu beheben:**",
        (
            "⚠️ **Ich kenne kein Panel mit einem Knopf für eure Kunden.** Poste es: /store setup > **Panel posten**. "
            "Wenn schon eines da ist, drücke einmal auf seinen Knopf."
        ),
        "__Bestellungen in den letzten 24 Stunden__",
        "• **1 Bestellung gezeigt**",
        "• **1 eingefügter Text, der kein Bestelllink war** (1 Bestellnummer)",
        "→ Sag, wo Kunden ihren Bestelllink finden: /store setup > **Die Worte des Panels**.",
        "**1 Hilfeanfrage ist offen.** Moderatoren sehen sie mit /requests open.",
    ]


async def test_it_says_when_fileflare_answered_last(desk: Desk) -> None:
    await desk.set_up()
    await desk.mydownloads(orders.DOCUMENTED)
    await desk.sample.stop()
    for order in (orders.LARGE, orders.USED_UP, orders.EMPTY, orders.SLOW) * 2:
        await desk.mydownloads(order)

    (line,) = [line for line in await status(desk) if "Fileflare does not answer" in line]

    assert re.search(r"told to try again later\. \(last order read <t:\d+:R>\) If it stays so", line)


async def test_it_names_everything_that_is_wrong_with_the_next_step(desk: Desk) -> None:
    above = desk.guild.create_role("Above")
    await desk.set_up(log=True)
    await desk.owner.slash(desk.channel, "store roles add", match="any_order", role=above)
    desk.env.backend.edit_role(desk.guild.id, above.id, {"position": 90})
    desk.env.backend.delete_channel(desk.log_channel.id)
    await desk.env.settle()
    await desk.sample.stop()
    for _ in range(8):
        await desk.mydownloads(orders.DOCUMENTED)

    shown = await status(desk)

    stays = "If it stays so, tell the bot's operator."
    assert shown[:7] == [
        "**This needs fixing:**",
        f"⚠️ **Fileflare does not answer.** I go on asking it by myself; customers are told to try again later. {stays}",
        "⚠️ Log channel: This channel does not exist any more, or I cannot see it: choose another in /store setup.",
        "⚠️ 1 rule waits: I do not know yet which products are yours. Confirm them with /store products.",
        (
            f"⚠️ I may not give the role <@&{above.id}>: it is above mine. In Server Settings > Roles, drag my role "
            "above it."
        ),
        (
            "⚠️ **I know of no panel with a button for your customers.** Post it: /store setup > **Post the panel**. "
            "If one is there already, press its button once."
        ),
        "__Orders in the last 24 hours__",
    ]
    assert shown[7:] == [
        "• **8 times Fileflare did not answer**",
        "→ Nothing for you to do: they were told to try again later.",
    ]


async def test_it_is_shown_while_the_database_is_away(desk: Desk, monkeypatch: pytest.MonkeyPatch) -> None:
    await desk.set_up()

    def away(*_arguments: object) -> None:
        raise ConnectionRefusedError

    monkeypatch.setattr(desk.bot.storage._database, "_sessions", away)  # noqa: SLF001 - the fault itself
    said = (
        "⚠️ **My database does not answer.** Help requests and settings wait until it does. If it stays so, tell the "
        "bot's operator."
    )
    assert (await status(desk))[:2] == ["**This needs fixing:**", said]
    desk.bot.storage.guilds.forget([desk.guild.id])  # as after a restart
    assert (await status(desk))[:2] == ["**This needs fixing:**", said]


async def test_its_footer_says_what_a_helper_needs_to_know(desk: Desk) -> None:
    shown = embed(await desk.owner.slash(desk.channel, "store status"))

    assert str(shown.footer.text).startswith("Fileflare Discord bot 0.1.0 · ")


def test_every_way_in_which_a_lookup_can_end_is_explained() -> None:
    refused = {kind.outcome for kind in leaves(Refusal) if kind is not BadReference}
    grouped = {outcome for group in GROUPS for outcome in group.outcomes}

    assert refused - grouped == OF_OTHERS
    assert grouped - refused == {"found", "no_files", "bad_reference", "undelivered"}
    assert {*PASTES} == {*ReferenceProblem}


@pytest.mark.parametrize("language", CATALOGS.languages)
def test_each_group_says_how_many_and_what_the_owner_can_do(language: str) -> None:
    translator = CATALOGS.translator(language)
    pastes = [f"bad_reference.{problem}" for problem in ReferenceProblem]
    outcomes = [*(outcome for group in GROUPS for outcome in group.outcomes if outcome != "bad_reference"), *pastes]

    shown = lookup_lines(Counter(dict.fromkeys(outcomes, 2)), translator, Wording())

    assert len(shown) == len(GROUPS)
    assert shown[0].startswith("• **2 ")
    assert [line for line in shown if "\n" not in line] == shown[:1]
    assert all(line.count("2 ") >= len(pastes) for line in shown if "(" in line.splitlines()[0])
    assert len("\n".join(shown)) < 3000


async def test_a_reply_that_did_not_arrive_is_counted_as_one(desk: Desk) -> None:
    desk.env.inject_error("POST", "/interactions/*/*/callback", status=404, code=10062)
    await desk.mydownloads(orders.DOCUMENTED)

    shown = await status(desk)

    assert "• **1 answer did not arrive**" in shown
    assert "→ " + group_of("undelivered.too_late").advice in shown


@pytest.mark.parametrize(
    ("wording", "told", "how"),
    [
        (Wording(where="In your *email*."), "In your \\*email\\*.", "name your store's address in the first line"),
        (
            Wording(where="Here.", account_url="https://shop.example"),
            "<https://shop.example> · Here.",
            "name the email",
        ),
    ],
)
def test_an_owner_who_has_said_where_order_links_are_reads_it_and_how_to_make_it_clearer(
    wording: Wording, told: str, how: str
) -> None:
    (shown,) = lookup_lines(Counter({"bad_reference.not_an_id": 1}), CATALOGS.translator("en"), wording)

    assert "Say where customers find" not in shown
    assert f"→ They are told: {told}\n→ Make it clearer: {how}" in shown
