"""A store owner's way from nothing to a working desk."""

from typing import Any

import aiohttp
import discord
import pytest
from desk import Desk, embed, labels, log_lines, page, reply, toggle_id
from simcord.backend import Backend
from simcord.backend.models import Overwrite
from simcord.enums import OverwriteType
from simcord.http import router
from simcord.results import InteractionResult

from fileflare_bot.demo import orders
from fileflare_bot.storage.errors import StorageUnavailable
from fileflare_bot.storage.options import MOST_MODERATOR_ROLES, Match, Options, RoleRule, Wording
from fileflare_bot.storage.panels import MOST_PANELS
from fileflare_bot.storage.records import Panel


async def test_from_nothing_to_a_working_panel(desk: Desk) -> None:
    """The owner types /store setup, chooses, words the panel, checks, and posts it; a customer uses it."""
    role = desk.guild.create_role("Buyers")
    setup = await desk.owner.slash(desk.channel, "store setup")
    assert setup.ephemeral
    assert "**Still missing: a channel for help requests.**" in page(setup)
    await desk.owner.select(reply(setup), [desk.support], custom_id="store_setup:set:support_channel_id")
    await desk.owner.select(reply(setup), [desk.log_channel], custom_id="store_setup:set:log_channel_id")
    await desk.owner.click(reply(setup), custom_id="store_setup:toggle:leak_guard:on")
    waiting = await desk.owner.slash(desk.channel, "store roles add", match="any_order", role=role)
    assert "1 rule waits: I do not know yet which products are yours." in reply(waiting).content
    products = await desk.owner.slash(desk.channel, "store products")
    asked = await desk.owner.click(reply(products), label="Paste one of your orders")
    offered = await desk.owner.submit_modal(asked, {"order": orders.DOCUMENTED})
    await desk.owner.select(reply(offered), ["123456"], custom_id="store_products:confirm")

    shown = await desk.owner.click(reply(setup), label="The panel's words")
    words = {"title": "Your books", "text": "Paste your link.", "button": "My books", "colour": "#AA0000"}
    where = "https://my-store.com/account\nIn the email of your order."
    worded = await desk.owner.submit_modal(shown, {**words, "where": where})
    said = "Saved. Your panel will look like this: press **Post the panel** in /store setup."
    (preview,) = worded.followups
    assert preview.content == said
    assert preview.embeds[0].title == "Your books"
    assert "<https://my-store.com/account>" in str(preview.embeds[0].description)
    checked = await desk.owner.click(reply(setup), label="Check")
    assert reply(checked).content.splitlines()[0] == "**All is well.**"
    assert reply(checked).content.splitlines()[1:] == [
        "✅ Fileflare answers.",
        f"✅ Support channel: <#{desk.support.id}>",
        f"✅ Log channel: <#{desk.log_channel.id}>",
        f"✅ I can give the role <@&{role.id}>.",
        "✅ The leak guard is on.",
        "Next: press **Post the panel**, and choose your customers' channel.",
    ]
    asked = await desk.owner.click(reply(setup), label="Post the panel")
    posted = await desk.owner.submit_modal(asked, {"channel": [desk.channel]})
    assert reply(posted).content == (
        "✅ The panel is posted. It follows what you change in /store setup; delete its message to take it down.\n"
        f"Your customers can press the button in <#{desk.channel.id}>."
    )
    checked = await desk.owner.click(reply(setup), label="Check")
    assert reply(checked).content.splitlines()[-1] == f"Your customers can press the button in <#{desk.channel.id}>."
    lines = page(await desk.owner.slash(desk.channel, "store setup")).splitlines()
    assert lines[2] == f"✅ Your customers can press the button in <#{desk.channel.id}>."

    (panel,) = [message for message in desk.channel.history() if message.embeds]
    assert panel.embeds[0].colour == discord.Colour.from_str("#aa0000")
    assert labels(panel) == ["My books", "Restore my roles"]
    asked = await desk.customer.click(panel, label="My books")
    got = await desk.fill_in(asked, orders.DOCUMENTED)
    assert "5 of 10 left" in str(embed(got).description)
    assert "New role for you: **Buyers**" in reply(got).content


@pytest.mark.limits(misses_per_user=2, misses_per_guild=2)
async def test_check_never_counts_as_a_guess_however_often_it_is_pressed(desk: Desk) -> None:
    await desk.set_up()
    setup = await desk.owner.slash(desk.channel, "store setup")

    for _ in range(8):
        checked = await desk.owner.click(reply(setup), label="Check")
        assert "✅ Fileflare answers." in reply(checked).content

    assert "5 of 10 left" in str(embed(await desk.mydownloads(orders.DOCUMENTED)).description)


async def test_check_names_each_thing_that_is_missing_and_how_to_fix_it(desk: Desk) -> None:
    above = desk.guild.create_role("Above")
    await desk.set_up(log=True)
    await desk.owner.slash(desk.channel, "store roles add", match="any_order", role=above)
    desk.env.backend.edit_role(desk.guild.id, above.id, {"position": 90})
    desk.env.backend.delete_channel(desk.log_channel.id)
    await desk.env.settle()
    await desk.sample.stop()

    setup = await desk.owner.slash(desk.channel, "store setup")
    checked = reply(await desk.owner.click(reply(setup), label="Check")).content

    assert checked.splitlines()[0] == "**This needs fixing:**"
    assert "⚠️ Fileflare does not answer." in checked
    assert (
        "⚠️ Log channel: This channel does not exist any more, or I cannot see it: choose another in /store setup."
        in checked
    )
    assert f"⚠️ I may not give the role <@&{above.id}>: it is above mine." in checked


@pytest.mark.parametrize("fault", [503, 429, "dropped"])
async def test_check_blames_discord_and_no_permission_if_discord_fails(
    desk: Desk, fault: int | str, monkeypatch: pytest.MonkeyPatch
) -> None:
    await desk.set_up(log=True)
    setup = await desk.owner.slash(desk.channel, "store setup")
    path = f"/channels/{desk.support.id}/messages"
    if isinstance(fault, int):
        desk.env.inject_error("POST", path, status=fault)
    dispatch = router.dispatch

    def dropped(backend: Backend, method: str, called: str, **call: Any) -> Any:  # noqa: ANN401 - simcord's own
        if fault == "dropped" and (method, called) == ("POST", path):
            raise aiohttp.ServerDisconnectedError
        return dispatch(backend, method, called, **call)

    monkeypatch.setattr(router, "dispatch", dropped)
    checked = reply(await desk.owner.click(reply(setup), label="Check")).content

    assert "permission" not in checked
    assert checked.splitlines()[2:4] == [
        f"⚠️ <#{desk.support.id}>: Discord had a problem when I wrote there. Press Check again in a few minutes.",
        f"✅ Log channel: <#{desk.log_channel.id}>",
    ]


async def test_a_message_of_check_that_discord_does_not_delete_is_deleted_later(desk: Desk) -> None:
    await desk.set_up(log=True)
    setup = await desk.owner.slash(desk.channel, "store setup")
    desk.env.inject_error("DELETE", f"/channels/{desk.support.id}/messages/*", status=503)

    checked = reply(await desk.owner.click(reply(setup), label="Check")).content

    assert f"✅ Support channel: <#{desk.support.id}>" in checked
    assert [message.embeds[0].description for message in desk.support.history()] == ["A check by the store's owner."]
    said = log_lines(desk)
    await desk.later()
    assert desk.support.history() == []
    assert log_lines(desk) == said


@pytest.mark.parametrize(
    ("field", "value", "named", "given"),
    [
        ("colour", "red", "**Colour** must", "\n> Title — My title\n> Colour — red"),
        (
            "where",
            "https://[",
            "**Where do I find my order link?** must",
            "\nTitle — My title\nWhere do I find my order link? — https://[\n```",
        ),
        (
            "where",
            "javascript://evil",
            "**Where do I find my order link?** must be an address such as https://",
            "\nWhere do I find my order link? — javascript://evil\n```",
        ),
        (
            "where",
            "FTP://my-store.com\nIn the email.",
            "**Where do I find my order link?** must be an address such as",
            "\nWhere do I find my order link? — FTP://my-store.com\nIn the email.\n```",
        ),
    ],
)
async def test_invalid_words_are_named_and_given_back(
    desk: Desk, field: str, value: str, named: str, given: str
) -> None:
    setup = await desk.owner.slash(desk.channel, "store setup")
    shown = await desk.owner.click(reply(setup), label="The panel's words")

    refused = await desk.owner.submit_modal(shown, {"title": "My title", field: value})

    assert reply(refused).content.startswith(f"**Nothing was changed:** {named}")
    assert reply(refused).content.endswith(given)


@pytest.mark.parametrize(
    ("typed", "address", "words"),
    [
        ("shop.example/orders", "https://shop.example/orders", ""),
        ("HTTP://www.shop.example", "https://www.shop.example", ""),
        ("my-store.com/account\nIn the email.", "https://my-store.com/account", "In the email."),
        ("In the email.\nmy-store.com", "", "In the email.\nmy-store.com"),
        ("info@my-store.com", "", "info@my-store.com"),
        ("Note: see the email of https://my-store.com", "", "Note: see the email of https://my-store.com"),
    ],
)
async def test_an_address_needs_no_https_before_it(desk: Desk, typed: str, address: str, words: str) -> None:
    setup = await desk.owner.slash(desk.channel, "store setup")
    shown = await desk.owner.click(reply(setup), label="The panel's words")

    await desk.owner.submit_modal(shown, {"where": typed})

    wording = desk.bot.storage.guilds.get(desk.guild.id).options.wording
    assert (wording.account_url, wording.where) == (address, words)


@pytest.mark.parametrize("setting", ["support_channel_id", "log_channel_id"])
async def test_a_stored_channel_that_everybody_can_read_is_named_with_what_to_do(desk: Desk, setting: str) -> None:
    await desk.had_stored(**{setting: desk.channel.id})

    shown = await desk.owner.slash(desk.channel, "store setup")

    name = f"<#{desk.channel.id}>"
    assert f"⚠️ **Customers can read {name}.** Below, at the channel, I say what to do." in page(shown)
    assert (
        f"channel: {name}\n**Everybody can read {name}**, and so your customers' names and what they ask. In "
        "that channel's settings > Permissions, switch View Channel off for @everyone"
    ) in page(shown)
    checked = await desk.owner.click(reply(shown), label="Check")
    assert reply(checked).content.startswith("**This needs fixing:**")
    assert f"channel: {name}\n**Everybody can read {name}**" in reply(checked).content
    assert f"channel: {name}\n**Everybody can read {name}**" in str(
        embed(await desk.owner.slash(desk.channel, "store status")).description
    )


def chosen(setup: InteractionResult, setting: str) -> list[int]:
    """Return what the setup page's select for a setting shows as chosen."""
    selects = [inner for component in reply(setup).components for inner in dict(component).get("components") or ()]
    (only,) = [each for each in selects if each.get("custom_id") == f"store_setup:set:{setting}"]
    return [int(each["id"]) for each in only.get("default_values") or ()]


@pytest.mark.parametrize("setting", ["support_channel_id", "log_channel_id"])
@pytest.mark.parametrize("before", [True, False])
async def test_a_channel_that_everybody_can_read_is_not_taken(desk: Desk, setting: str, *, before: bool) -> None:
    await desk.owner.slash(desk.channel, "store panel")
    if before:
        await desk.set_up(log=True)
    stored = desk.bot.storage.guilds.get(desk.guild.id)
    said = len(desk.channel.history())
    setup = await desk.owner.slash(desk.channel, "store setup")

    refused = await desk.owner.select(reply(setup), [desk.channel], custom_id=f"store_setup:set:{setting}")

    assert refused.followups[-1].content == (
        f"**Customers can read <#{desk.channel.id}>.** Nothing was changed. Choose a channel that only your team sees. "
        "Or, if customers do not need this one, close it first: in its settings > Permissions, switch View Channel off "
        "for @everyone, and on for your moderators and me."
    )
    assert desk.bot.storage.guilds.get(desk.guild.id) == stored
    assert chosen(refused, setting) == list(filter(None, [getattr(stored, setting)]))
    assert len(desk.channel.history()) == said


async def test_a_refused_role_is_taken_back_out_of_its_select(desk: Desk) -> None:
    buyers, team = desk.guild.create_role("Buyers"), desk.guild.roles["Team"]
    await desk.set_up(roles=[team])
    await desk.owner.slash(desk.channel, "store roles add", match="any_order", role=buyers)
    setup = await desk.owner.slash(desk.channel, "store setup")

    refused = await desk.owner.select(reply(setup), [team, buyers], custom_id="store_setup:set:moderator_role_ids")

    assert refused.followups[-1].content.startswith(f"**The role <@&{buyers.id}> cannot be a moderator role:**")
    assert chosen(refused, "moderator_role_ids") == [team.id]
    assert f"who has one of these roles: <@&{team.id}>\n" in page(refused)


async def test_the_link_of_an_order_does_not_get_into_the_panels_words(desk: Desk) -> None:
    link = f"https://my-store.com/account/orders/{orders.DOCUMENTED}"
    for field, named in (("where", "Where do I find my order link?"), ("text", "Text")):
        setup = await desk.owner.slash(desk.channel, "store setup")
        shown = await desk.owner.click(reply(setup), label="The panel's words")

        refused = await desk.owner.submit_modal(shown, {field: f"{link}\nHere."})

        assert reply(refused).content.startswith(
            f"**Nothing was changed:** **{named}** must not hold the link of an order: everybody could open that order."
        )
    assert desk.bot.storage.guilds.get(desk.guild.id).options == Options()


async def test_limits_are_kept_and_a_wrong_one_is_refused(desk: Desk) -> None:
    setup = await desk.owner.slash(desk.channel, "store setup")
    assert "open requests of a person: 3 (the operator's) · reminder" in page(setup)

    asked = await desk.owner.click(reply(setup), label="Limits")
    saved = await desk.owner.submit_modal(asked, {"accounts": "5", "open": "2"})
    assert page(saved).splitlines()[-2] == (
        "✅ Saved. **Limits:** 5 accounts an order · open requests of a person: 2 · reminder after hours: never · "
        "silent customers asked after days: never"
    )
    options = desk.bot.storage.guilds.get(desk.guild.id).options
    assert (options.accounts_per_order, options.help_open_per_person) == (5, 2)
    shown = await desk.owner.click(reply(setup), label="Limits")
    assert shown.modal is not None
    assert [field["component"].get("value") or "" for field in shown.modal["components"]] == ["5", "2", "", ""]
    refused = await desk.owner.submit_modal(shown, {"accounts": "5", "open": "", "remind": "1d"})

    assert [reply(refused).content, *(each.content for each in refused.followups)][-1] == (
        "**Nothing was changed:** **Hours until moderators are reminded** must be a whole number from 1 to 336.\n"
        "Here is what you wrote, so you can copy it:\n> Accounts an order counts for — 5\n"
        "> Hours until moderators are reminded — 1d"
    )
    assert desk.bot.storage.guilds.get(desk.guild.id).options == options


async def test_all_wrong_fields_of_a_form_are_named_at_once_in_its_order(desk: Desk) -> None:
    setup = await desk.owner.slash(desk.channel, "store setup")
    shown = await desk.owner.click(reply(setup), label="Limits")

    refused = await desk.owner.submit_modal(shown, {"accounts": "x", "open": "2", "remind": "1d", "close": "99"})

    said = [reply(refused).content, *(each.content for each in refused.followups)][-1]
    assert said.startswith(
        "**Nothing was changed:** these fields are not right yet.\n"
        "• **Accounts an order counts for** must be a whole number from 1 to 100.\n"
        "• **Hours until moderators are reminded** must be a whole number from 1 to 336.\n"
        "• **Days until a silent customer is asked** must be a whole number from 1 to 60.\n"
        "Here is what you wrote"
    )
    assert desk.bot.storage.guilds.get(desk.guild.id).options == Options()


async def test_a_form_is_fixed_with_what_was_typed(desk: Desk) -> None:
    setup = await desk.owner.slash(desk.channel, "store setup")
    shown = await desk.owner.click(reply(setup), label="Limits")
    refused = await desk.owner.submit_modal(shown, {"accounts": "5", "open": "x"})
    told = [reply(refused), *refused.followups][-1]

    again = await desk.owner.click(told, label="Fix it")

    assert again.modal is not None
    assert [field["component"].get("value") or "" for field in again.modal["components"]] == ["5", "x", "", ""]
    saved = await desk.owner.submit_modal(again, {"accounts": "5", "open": "3"})
    stays = "A setup page that is still open shows the old values until you choose something there."
    assert reply(saved).content.startswith("✅ Saved. **Limits:** 5 accounts an order · open requests of a person: 3")
    assert reply(saved).content.endswith(f"\n{stays}")
    later = await desk.owner.select(reply(setup), ["de"], custom_id="store_setup:language")
    assert "**Limits:** 5 accounts an order · open requests of a person: 3" in page(later)
    shown = await desk.owner.click(reply(setup), label="The panel's words")
    refused = await desk.owner.submit_modal(shown, {"title": "My title", "colour": "red"})
    again = await desk.owner.click([reply(refused), *refused.followups][-1], label="Fix it")
    assert again.modal is not None
    typed = [field["component"].get("value") or "" for field in again.modal["components"]]
    assert typed == ["My title", "", "", "red", ""]


async def test_the_panel_and_the_cards_use_the_language_that_the_owner_chose(desk: Desk) -> None:
    await desk.set_up()
    setup = await desk.owner.slash(desk.channel, "store setup")
    await desk.owner.select(reply(setup), ["de"], custom_id="store_setup:language")

    await desk.owner.slash(desk.channel, "store panel")
    await desk.ask_for_help()

    panel = desk.channel.last_message
    assert panel is not None
    assert labels(panel) == ["Meine Downloads"]
    assert desk.support.history()[0].embeds[0].title == "Hilfeanfrage #1"


async def test_the_log_channel_calls_no_number_of_open_requests_the_operators(desk: Desk) -> None:
    await desk.set_up(log=True)
    setup = await desk.owner.slash(desk.channel, "store setup")

    for most in ("50", ""):
        limits = await desk.owner.click(reply(setup), label="Limits")
        await desk.owner.submit_modal(limits, {"accounts": "1", "open": most})

    assert [line.splitlines()[-1] for line in log_lines(desk)[-2:]] == [
        "• Open help requests of a person: the operator's → 50",
        "• Open help requests of a person: 50 → the operator's",
    ]


async def test_another_language_leaves_the_owners_own_words_and_says_so(desk: Desk) -> None:
    setup = await desk.owner.slash(desk.channel, "store setup")
    stay = "Your own words stay as you wrote them."

    bots = page(await desk.owner.select(reply(setup), ["de"], custom_id="store_setup:language"))
    words = await desk.owner.click(reply(setup), label="The panel's words")
    await desk.owner.submit_modal(words, {"title": "Your books"})
    own = await desk.owner.select(reply(setup), ["de"], custom_id="store_setup:language")

    assert stay not in bots
    assert stay in page(own)


async def test_the_log_channel_says_which_settings_were_changed_from_what_to_what(desk: Desk) -> None:
    await desk.set_up(log=True, roles=[desk.guild.roles["Team"]])
    setup = await desk.owner.slash(desk.channel, "store setup")
    who = f"<@{desk.owner.id}> changed the bot's setup.\n• "
    team = desk.guild.roles["Team"].id
    assert log_lines(desk)[-2:] == [
        f"{who}Log channel: none → <#{desk.log_channel.id}>",
        f"{who}Moderator roles: none → <@&{team}>",
    ]

    limits = await desk.owner.click(reply(setup), label="Limits")
    await desk.owner.submit_modal(limits, {"accounts": "3", "open": "", "remind": "24"})
    await desk.owner.click(reply(setup), custom_id="store_setup:toggle:saved_orders:off")
    await desk.owner.select(reply(setup), ["de"], custom_id="store_setup:language")
    words = await desk.owner.click(reply(setup), label="The panel's words")
    await desk.owner.submit_modal(words, {"title": "Your books", "where": "my-store.com/account\nIn the email."})

    wer = f"<@{desk.owner.id}> hat die Einrichtung des Bots geändert.\n• "
    assert log_lines(desk)[-4:] == [
        f"{who}Hours until moderators are reminded: none → 24\n• Accounts an order counts for: 1 → 3",
        f"{who}Saved orders: on → off",
        f"{wer}Sprache: die des Servers → Deutsch",
        f"{wer}Die Worte des Panels: Titel, Wo finde ich meinen Bestelllink?",
    ]


async def test_the_log_channel_names_the_rules_products_and_answers_and_nothing_that_stayed(desk: Desk) -> None:
    role = desk.guild.create_role("Buyers")
    await desk.set_up(log=True)
    products = await desk.owner.slash(desk.channel, "store products")
    asked = await desk.owner.click(reply(products), label="Paste one of your orders")
    offered = await desk.owner.submit_modal(asked, {"order": orders.DOCUMENTED})
    await desk.owner.select(reply(offered), ["123456"], custom_id="store_products:confirm")
    who, team = f"<@{desk.owner.id}> changed the bot's setup.\n• ", f"<@{desk.moderator.id}> changed the saved answers."
    assert log_lines(desk)[-1] == (
        f"<@{desk.owner.id}> changed the confirmed products.\n• Confirmed products: added: My new Book `123456`"
    )

    for _ in range(2):
        await desk.owner.slash(desk.channel, "store roles add", match="product_id", role=role, value="123456")
    ruled = f"product **My new Book** `123456` → <@&{role.id}>"
    assert log_lines(desk)[-1] == f"{who}Buyers' roles: off → on\n• Rules for buyers' roles: added: {ruled}"
    await desk.owner.slash(desk.channel, "store roles remove", rule="1")
    assert log_lines(desk)[-1] == f"{who}Rules for buyers' roles: taken away: {ruled}"

    for words in ("Hello.", "Hello!", "Hello!"):
        shown = await desk.moderator.slash(
            desk.channel, "answers add" if words == "Hello." else "answers edit", name="hi"
        )
        await desk.moderator.submit_modal(shown, {"words": words})
    await desk.moderator.slash(desk.channel, "answers remove", name="hi")
    assert log_lines(desk)[-3:] == [
        f"{team}\n• Saved answers: added: hi",
        f"{team}\n• Saved answers that get another text: hi",
        f"{team}\n• Saved answers: taken away: hi",
    ]


@pytest.mark.parametrize("fault", ["none", "down", "forbidden", "gone"])
async def test_the_old_log_channel_says_that_the_log_moved_or_stopped_and_only_once(desk: Desk, fault: str) -> None:
    await desk.set_up(log=True)
    other = desk.closed_channel("other-log")
    setup = await desk.owner.slash(desk.channel, "store setup")
    path = f"/channels/{desk.log_channel.id}/messages"
    match fault:
        case "down":
            desk.env.inject_error("POST", path, status=503)
        case "forbidden":
            desk.env.inject_error("POST", path, status=403, code=50013)
        case "gone":
            desk.env.backend.delete_channel(desk.log_channel.id)

    await desk.owner.select(reply(setup), [other], custom_id="store_setup:set:log_channel_id")
    if fault == "down":
        assert other.history() == []
        await desk.later()
        await desk.later()

    moved = f"<@{desk.owner.id}> changed the bot's setup.\n• Log channel: <#{desk.log_channel.id}> → <#{other.id}>"
    assert [str(message.embeds[0].description) for message in other.history()] == [moved]
    if fault in {"none", "down"}:
        assert log_lines(desk)[1:] == [moved]
        await desk.owner.select(reply(setup), [], custom_id="store_setup:set:log_channel_id")
        stopped = f"<@{desk.owner.id}> changed the bot's setup.\n• Log channel: <#{other.id}> → none"
        assert [str(message.embeds[0].description) for message in other.history()] == [moved, stopped]
        assert log_lines(desk)[1:] == [moved]


async def test_the_old_log_channel_hears_of_a_move_once_however_long_the_new_one_refuses_it(desk: Desk) -> None:
    await desk.set_up(log=True)
    other = desk.closed_channel("other-log")
    setup = await desk.owner.slash(desk.channel, "store setup")
    desk.env.inject_error("POST", f"/channels/{other.id}/messages", status=403, code=50013, times=None)
    desk.env.inject_error("GET", f"/channels/{desk.log_channel.id}/messages", status=403, code=50001, times=None)

    await desk.owner.select(reply(setup), [other], custom_id="store_setup:set:log_channel_id")
    for _ in range(3):
        await desk.later()

    assert sum("Log channel" in line for line in log_lines(desk)[1:]) == 1


async def test_pressing_a_switch_twice_does_not_undo_the_first_press(desk: Desk) -> None:
    setup = await desk.owner.slash(desk.channel, "store setup")
    pressed = toggle_id(setup, "buyers_roles")
    before = desk.bot.storage.guilds.get(desk.guild.id).options.buyers_roles

    for _ in range(2):
        await desk.forge(pressed, desk.owner, desk.channel)
        assert desk.bot.storage.guilds.get(desk.guild.id).options.buyers_roles is not before


async def test_a_switch_of_an_earlier_version_still_turns_its_feature_over(desk: Desk) -> None:
    states = []
    for custom_id in ("store_setup:toggle:buyers_roles", "store:toggle:buyers_roles"):
        await desk.forge(custom_id, desk.owner, desk.channel)
        states.append(desk.bot.storage.guilds.get(desk.guild.id).options.buyers_roles)

    assert states[0] is not states[1]


@pytest.mark.parametrize("locale", ["en-US", "de"])
async def test_the_page_opens_when_everything_is_wrong_at_once(desk: Desk, locale: str) -> None:
    """Discord takes 4,000 characters; what is most important, and what was just changed, is among them."""
    desk.speaks(desk.owner, locale)
    roles = [desk.guild.create_role(f"role {number}").id for number in range(MOST_MODERATOR_ROLES)]
    everyone = Overwrite(desk.guild.id, OverwriteType.ROLE, allow=discord.Permissions(view_channel=True).value)
    me = desk.bot.user
    assert me is not None
    mine = Overwrite(me.id, OverwriteType.MEMBER, deny=discord.Permissions.text().value)
    for channel in (desk.support, desk.log_channel):
        desk.env.backend.edit_channel(channel.id, {}, overwrites=[everyone, mine])
    await desk.had_stored(
        support_channel_id=desk.support.id,
        log_channel_id=desk.log_channel.id,
        ping_role_id=roles[0],
        moderator_role_ids=tuple(roles),
        options=Options(
            help_screenshots=True, rules=tuple(RoleRule(match=Match.ANY_ORDER, role_ids=(role,)) for role in roles[:3])
        ),
    )
    panels = desk.bot.storage.panels
    for number in range(MOST_PANELS):
        name = f"channel {number}"
        where = desk.closed_channel(name) if number % 2 else desk.guild.create_text_channel(name)
        panel_id = await panels.learn(desk.guild.id, where.id, where.id, "de")
        await panels.given_up(panel_id or 0)
    await desk.env.settle()
    setup = await desk.owner.slash(desk.channel, "store setup")
    desk.env.inject_error("GET", "/guilds/*/auto-moderation/rules", status=403, code=50013)

    shown = page(await desk.owner.click(reply(setup), custom_id=toggle_id(setup, "leak_guard")))

    wrong = {"en-US": "NOT SAFE", "de": "NICHT SICHER"}[locale]
    assert shown.count(wrong) == 3
    assert {"en-US": "The leak guard needs", "de": "Der Leck-Schutz braucht"}[locale] in shown
    assert 3500 < len(shown) < 4100  # with its line breaks
    assert max(line.count("<#") for line in shown.splitlines()) == 5
    assert ", ….**" in shown or ", … nicht.**" in shown


async def test_the_page_has_no_more_parts_than_discord_takes(desk: Desk) -> None:
    setup = await desk.owner.slash(desk.channel, "store setup")
    for feature in ("buyers_roles", "leak_guard"):
        setup = await desk.owner.click(reply(setup), custom_id=toggle_id(setup, feature))

    def count(component: dict[str, Any]) -> int:
        inner = [*(component.get("components") or ()), *filter(None, [component.get("accessory")])]
        return 1 + sum(count(each) for each in inner)

    assert 30 < sum(count(dict(component)) for component in reply(setup).components) <= 40


@pytest.mark.parametrize(
    ("language", "words"),
    [
        ("en", ["Your downloads", "Bought something from our store? Press the", "Get my downloads", "#2a9d8f"]),
        ("de", ["Deine Downloads", "", "Meine Downloads", "#2a9d8f"]),
    ],
)
async def test_an_empty_field_of_the_panels_words_shows_the_bots_own(
    desk: Desk, language: str, words: list[str]
) -> None:
    setup = await desk.owner.slash(desk.channel, "store setup")
    await desk.owner.select(reply(setup), [language], custom_id="store_setup:language")

    shown = await desk.owner.click(reply(setup), label="The panel's words")

    assert shown.modal is not None
    fields = [field["component"] for field in shown.modal["components"]][:4]
    assert [field.get("value") for field in fields] == [None] * 4
    assert all(field["placeholder"].startswith(own) for field, own in zip(fields, words, strict=True))
    assert [field["description"] for field in shown.modal["components"]][2:4] == [
        "Leave it empty for the bot's words.",
        "Leave it empty for the bot's colour.",
    ]
    await desk.owner.submit_modal(shown, {})
    assert desk.bot.storage.guilds.get(desk.guild.id).options.wording == Wording()


@pytest.mark.parametrize("locale", ["en-US", "de"])
@pytest.mark.parametrize("form", ["words", "limits", "panel"])
async def test_the_help_text_of_each_field_stands_with_it_and_fits(desk: Desk, locale: str, form: str) -> None:
    desk.speaks(desk.owner, locale)
    setup = await desk.owner.slash(desk.channel, "store setup")

    shown = await desk.owner.click(reply(setup), custom_id=f"store_setup:{form}")

    assert shown.modal is not None
    fields = shown.modal["components"]
    assert fields
    assert all(10 < len(field["description"]) <= 100 for field in fields)


async def test_buyers_roles_without_a_rule_are_named_and_not_called_well(desk: Desk) -> None:
    await desk.set_up(log=True)
    await desk.owner.slash(desk.channel, "store panel")
    setup = await desk.owner.slash(desk.channel, "store setup")
    line = "⚠️ **Buyers' roles are on, but there is no rule:** no order brings a role. Add one with /store roles add."

    on = await desk.owner.click(reply(setup), custom_id="store_setup:toggle:buyers_roles:on")

    assert page(on).count("there is no rule") == 1
    assert line in page(on)
    checked = reply(await desk.owner.click(reply(setup), label="Check")).content
    assert checked.startswith("**This needs fixing:**")
    assert checked.count(line) == 1
    assert line in str(embed(await desk.owner.slash(desk.channel, "store status")).description)
    await desk.owner.slash(desk.channel, "store roles add", match="any_order", role=desk.guild.create_role("Buyers"))
    assert "there is no rule" not in page(await desk.owner.slash(desk.channel, "store setup"))


@pytest.mark.parametrize("change", ["channel", "switch", "language", "limits", "words"])
@pytest.mark.parametrize("panels", [True, False])
async def test_a_change_that_is_stored_is_no_refusal_though_the_database_is_away_since(
    desk: Desk, change: str, monkeypatch: pytest.MonkeyPatch, *, panels: bool
) -> None:
    if panels:
        await desk.owner.slash(desk.channel, "store panel")
    setup = await desk.owner.slash(desk.channel, "store setup")
    form = await desk.owner.click(reply(setup), custom_id=f"store_setup:{change}") if change in "limits words" else None
    before = desk.bot.storage.guilds.get(desk.guild.id)

    async def away(_guild_id: int) -> list[Panel]:
        raise StorageUnavailable("away")

    monkeypatch.setattr(desk.bot.storage.panels, "of_guild", away)
    match change:
        case "channel":
            chosen = {"custom_id": "store_setup:set:support_channel_id"}
            result = await desk.owner.select(reply(setup), [desk.support], **chosen)
        case "switch":
            result = await desk.owner.click(reply(setup), custom_id=toggle_id(setup, "saved_orders"))
        case "language":
            result = await desk.owner.select(reply(setup), ["de"], custom_id="store_setup:language")
        case _:
            assert form is not None
            result = await desk.owner.submit_modal(form, {"limits": {"accounts": "5"}, "words": {"title": "T"}}[change])

    (said,) = [each.content for each in [result.response, *result.followups] if each is not None and each.content]
    assert said.startswith("Saved. Not every panel shows it yet" if change == "words" else "✅ Saved.")
    assert said.endswith("A setup page that is still open shows the old values until you choose something there.")
    assert desk.bot.storage.guilds.get(desk.guild.id) != before


@pytest.mark.parametrize("how", ["form", "command"])
@pytest.mark.parametrize("again", [True, False])
async def test_a_panel_that_is_posted_is_no_refusal_though_the_database_is_away_since(
    desk: Desk, how: str, monkeypatch: pytest.MonkeyPatch, *, again: bool
) -> None:
    if again:
        await desk.owner.slash(desk.channel, "store panel")
    setup = await desk.owner.slash(desk.channel, "store setup")
    form = await desk.owner.click(reply(setup), label="Post the panel")
    stored, there = desk.bot.storage.panels, len(desk.channel.history())
    of_guild = stored.of_guild

    async def away(guild_id: int) -> list[Panel]:
        if len(desk.channel.history()) > there:
            raise StorageUnavailable("away")
        return await of_guild(guild_id)

    with monkeypatch.context() as patch:
        patch.setattr(stored, "of_guild", away)
        if how == "form":
            result = await desk.owner.submit_modal(form, {"channel": [desk.channel]})
        else:
            result = await desk.owner.slash(desk.channel, "store panel")

    said = "The panel is posted. It follows what you change in /store setup; delete its message to take it down."
    assert reply(result).content == ("✅ " if how == "form" else "") + said
    await desk.later()
    assert len([message for message in desk.channel.history() if message.embeds]) == 1
