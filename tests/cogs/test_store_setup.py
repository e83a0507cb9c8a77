"""A store owner's way from nothing to a working desk, and their settings as a file."""

import json
from typing import Any

import discord
import pytest
from databases import audit_entries
from desk import Desk, embed, labels, page, reply, toggle_id
from simcord.actors import MemberActor
from simcord.builders import ChannelHandle, GuildHandle
from simcord.results import InteractionResult

from fileflare_bot.demo import orders
from fileflare_bot.storage.options import Options, Wording
from fileflare_bot.storage.storage import Storage


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
        f"**Customers can read <#{desk.channel.id}>.** Choose a channel that only your team sees. Or, if customers do "
        "not need this one, close it first: in its settings > Permissions, switch View Channel off for @everyone, and "
        "on for your moderators and me."
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


async def test_a_file_cannot_bring_a_channel_that_everybody_can_read_but_keeps_one_that_is_set(desk: Desk) -> None:
    await desk.had_stored(support_channel_id=desk.channel.id)
    content = json.loads(await exported(desk))
    before = desk.bot.storage.guilds.get(desk.guild.id)

    file = json.dumps(content | {"log_channel": "downloads"}).encode()
    refused = await desk.owner.slash(desk.channel, "store import", file=("settings.json", file))

    assert reply(refused).content == (
        "**Nothing was changed:** **Log channel** names #downloads, which customers can read; it must be one that only "
        "your team sees."
    )
    assert labels(reply(refused)) == []
    assert desk.bot.storage.guilds.get(desk.guild.id) == before
    told = await bring(desk.owner, desk.channel, json.dumps(content | {"log_channel": "log"}).encode())
    assert reply(told).content.startswith("Everything is set as the file says.")
    assert desk.bot.storage.guilds.get(desk.guild.id).support_channel_id == desk.channel.id


async def test_a_channel_that_was_opened_meanwhile_is_refused_at_the_button(desk: Desk) -> None:
    content = json.loads(await exported(desk)) | {"log_channel": "log"}
    asked = await desk.owner.slash(desk.channel, "store import", file=("settings.json", json.dumps(content).encode()))
    desk.env.backend.edit_channel(desk.log_channel.id, {}, overwrites=[])
    await desk.env.settle()

    refused = await desk.owner.click(reply(asked), label="Replace my settings")

    said = [reply(refused).content, *(each.content for each in refused.followups)][-1]
    assert said.startswith("**Nothing was changed:** **Log channel** names #log, which customers can read;")
    assert desk.bot.storage.guilds.get(desk.guild.id).log_channel_id is None


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
    stays = "A setup page that you opened before shows it after your next choice there."
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


def log_lines(desk: Desk) -> list[str]:
    return [str(message.embeds[0].description) for message in desk.log_channel.history() if message.embeds]


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


async def exported(desk: Desk) -> bytes:
    given = await desk.owner.slash(desk.channel, "store export")
    assert given.ephemeral
    (file,) = reply(given).attachments
    return await file.read()


async def bring(owner: MemberActor, channel: ChannelHandle, content: bytes) -> InteractionResult:
    """Import a file, and press the button if it is not refused."""
    asked = await owner.slash(channel, "store import", file=("settings.json", content))
    if "Replace my settings" not in labels(reply(asked)):
        return asked
    assert reply(asked).content.startswith("**Nothing is changed yet.**")
    return await owner.click(reply(asked), label="Replace my settings")


def second_server(desk: Desk) -> tuple[GuildHandle, ChannelHandle, MemberActor]:
    owner = desk.env.create_user("otto")
    guild = desk.env.create_guild("The Other Shop", owner=owner)
    channel = guild.create_text_channel("general")
    desk.closed_channel("support", guild)
    guild.create_role("Buyers")
    return guild, channel, MemberActor(desk.env, guild, owner)


async def test_an_export_makes_another_server_behave_the_same(desk: Desk) -> None:
    role = desk.guild.create_role("Buyers")
    await desk.set_up(log=True)
    await desk.confirms_the_product()
    await desk.owner.slash(desk.channel, "store roles add", match="tag", role=role, value="books")
    shown = await desk.moderator.slash(desk.channel, "answers add", name="hi")
    await desk.moderator.submit_modal(shown, {"words": "Hello {customer}."})
    content = await exported(desk)
    guild, channel, owner = second_server(desk)

    told = await bring(owner, channel, content)

    assert "they are left out:\n• Log channel: log (stays as it is)\n" in reply(told).content
    there = desk.bot.storage.guilds.get(guild.id)
    assert there.support_channel_id == guild.channels["support"].id
    assert [answer.text for answer in there.canned_answers] == ["Hello {customer}."]
    buyer = guild.add_member(desk.env.create_user("bea"))
    await buyer.slash(channel, "mydownloads", **{"order-id": orders.DOCUMENTED})
    assert guild.roles["Buyers"].id in desk.env.backend.get_guild(guild.id).members[buyer.id].role_ids


async def test_an_import_keeps_the_channels_and_the_role_to_ping_if_the_file_names_others(desk: Desk) -> None:
    ping = desk.guild.create_role("Pingable")
    await desk.set_up(log=True)
    await desk.had_stored(ping_role_id=ping.id)
    before = desk.bot.storage.guilds.get(desk.guild.id)
    content = json.loads(await exported(desk)) | {
        "support_channel": "no-support",
        "log_channel": "no-such",
        "ping_role": "Nobody",
        "moderator_roles": ["Crew", "Staff"],
    }
    content["options"]["leak_guard"] = not before.options.leak_guard
    file = json.dumps(content).encode()

    asked = await desk.owner.slash(desk.channel, "store import", file=("settings.json", file))

    told = str(embed(asked).description)
    assert "→ none" not in told
    lacking = (
        "⚠️ This server has none of these, so they are left out:\n• Moderator roles: Crew, Staff\n"
        "• Support channel: no-support (stays as it is)\n• Log channel: no-such (stays as it is)\n"
        "• Role to ping: Nobody (stays as it is)"
    )
    assert told.endswith(lacking)
    done = await desk.owner.click(reply(asked), label="Replace my settings")
    assert lacking in reply(done).content
    stored = desk.bot.storage.guilds.get(desk.guild.id)
    for setting in ("support_channel_id", "log_channel_id", "ping_role_id"):
        assert getattr(stored, setting) == getattr(before, setting)
    assert reply(done).content.startswith("What this server has of it is set as the file says.")
    again = await desk.owner.slash(desk.channel, "store import", file=("settings.json", file))
    assert reply(again).content.startswith("**What this server has of it is set already.** There is nothing to change.")
    assert stored.options.leak_guard is not before.options.leak_guard


async def test_an_import_says_first_what_it_takes_away_and_overwrites(desk: Desk) -> None:
    role = desk.guild.create_role("Buyers")
    await desk.set_up(log=True)
    content = await exported(desk)
    await desk.confirms_the_product()
    await desk.owner.slash(desk.channel, "store roles add", match="tag", role=role, value="books")
    for name in ("hi", "bye"):
        shown = await desk.moderator.slash(desk.channel, "answers add", name=name)
        await desk.moderator.submit_modal(shown, {"words": "Hello."})
    changed = json.loads(content)
    changed["answers"] = [{"name": "hi", "text": "Hello!"}, {"name": "new", "text": "Hello?"}]
    changed["options"]["wording"]["title"] = "Your books"
    before = desk.bot.storage.guilds.get(desk.guild.id)

    asked = await desk.owner.slash(desk.channel, "store import", file=("settings.json", json.dumps(changed).encode()))

    told = embed(asked).description
    assert told == (
        "• The panel's words: Title\n• Buyers' roles: on → off\n"
        f"• Rules for buyers' roles: taken away: tag `books` → <@&{role.id}>\n"
        "• Confirmed products: taken away: My new Book `123456`\n• Saved answers: taken away: bye; added: new\n"
        "• Saved answers that get another text: hi"
    )
    assert desk.bot.storage.guilds.get(desk.guild.id) == before
    done = await desk.owner.click(reply(asked), label="Replace my settings")
    assert reply(done).content == "Everything is set as the file says.\nLook it over with /store setup."
    assert [answer.name for answer in desk.bot.storage.guilds.get(desk.guild.id).canned_answers] == ["hi", "new"]
    said = log_lines(desk)[-1]
    assert said == (f"<@{desk.owner.id}> changed the bot's setup.\nBy a file, with /store import:\n{told}")
    again = await desk.owner.slash(desk.channel, "store import", file=("settings.json", json.dumps(changed).encode()))
    assert reply(again).content == "**Your settings are as the file says already.** There is nothing to change."

    await desk.restart()
    forgotten = await desk.forge("store:import:1", desk.owner, desk.channel)
    assert reply(forgotten).content.startswith("**I do not have that file any more.** Nothing is changed.")


@pytest.mark.parametrize("permission", ["administrator", "ban_members"])
async def test_an_import_brings_no_role_with_powers(desk: Desk, permission: str) -> None:
    role = desk.guild.create_role("Buyers")
    await desk.owner.slash(desk.channel, "store roles add", match="product_id", role=role, value="1")
    content = await exported(desk)
    guild, channel, owner = second_server(desk)
    granted = discord.Permissions(**{permission: True}).value
    desk.env.backend.edit_role(guild.id, guild.roles["Buyers"].id, {"permissions": granted})
    await desk.env.settle()

    refused = await bring(owner, channel, content)

    assert reply(refused).content.startswith(f"**Buyers must not get the role <@&{guild.roles['Buyers'].id}>.**")
    assert (await desk.bot.storage.guilds.load(guild.id)).options == Options()


async def test_an_import_makes_no_role_both_a_buyers_and_a_moderators(desk: Desk) -> None:
    role = desk.guild.create_role("Buyers")
    await desk.owner.slash(desk.channel, "store roles add", match="any_order", role=role)
    content = json.loads(await exported(desk)) | {"moderator_roles": ["Buyers"]}
    before = desk.bot.storage.guilds.get(desk.guild.id)

    refused = await bring(desk.owner, desk.channel, json.dumps(content).encode())

    assert reply(refused).content.startswith(f"**The role <@&{role.id}> cannot be a moderator role:** buyers get it")
    assert desk.bot.storage.guilds.get(desk.guild.id) == before


@pytest.mark.parametrize("products", [True, False])
async def test_who_may_not_give_a_role_imports_no_rule_for_it_and_no_product(desk: Desk, *, products: bool) -> None:
    role = desk.guild.create_role("Buyers")
    await desk.owner.slash(desk.channel, "store roles add", match="any_order", role=role)
    content = json.loads(await exported(desk))
    if products:  # of a shop of their own, for a rule that is there already
        content["options"]["products"] = [{"product_id": "666"}]
    else:
        content["rules"] = [{"match": "product_id", "value": "666", "roles": ["Buyers"]}]
    deputies = desk.guild.create_role("Deputy", permissions=discord.Permissions(manage_guild=True))
    deputy = desk.guild.add_member(desk.env.create_user("dana"), roles=[deputies])
    before = desk.bot.storage.guilds.get(desk.guild.id)

    refused = await bring(deputy, desk.channel, json.dumps(content).encode())

    assert reply(refused).content.startswith(
        ("**You may not give the role", "**Only people with the permission Manage")
    )
    assert desk.bot.storage.guilds.get(desk.guild.id) == before


@pytest.mark.parametrize(
    ("change", "named"),
    [
        (lambda content: content | {"version": 99}, "`version`"),
        (lambda content: content | {"secret": "x"}, "`secret`"),
        (lambda content: content | {"options": {"accounts_per_order": -1}}, "`options.accounts_per_order`"),
        (lambda content: content | {"answers": [{"name": "a", "text": "{0.__class__}"}]}, "`answers.0.text`"),
        (lambda content: content | {"moderator_roles": ["x"] * 999}, "`moderator_roles`"),
        (lambda content: content | {"options": {"wording": {"account_url": "javascript:alert(1)"}}}, "account_url"),
    ],
)
async def test_a_broken_or_hostile_import_changes_nothing_and_says_why(desk: Desk, change: Any, named: str) -> None:  # noqa: ANN401
    await desk.set_up(log=True)
    before = desk.bot.storage.guilds.get(desk.guild.id)
    changed = change(json.loads(await exported(desk)))

    refused = await bring(desk.owner, desk.channel, json.dumps(changed).encode())

    assert reply(refused).content.startswith("**Nothing was changed:** ")
    assert named in reply(refused).content
    assert desk.bot.storage.guilds.get(desk.guild.id) == before


async def test_a_file_of_settings_that_discord_has_no_more_changes_nothing_and_says_so(
    desk: Desk, monkeypatch: pytest.MonkeyPatch
) -> None:
    content = await exported(desk)
    monkeypatch.setattr(desk.env.backend.cdn, "get", lambda _url: None)

    refused = await bring(desk.owner, desk.channel, content)

    assert reply(refused).content.startswith("**Nothing was changed:** ")
    assert "attach it again" in reply(refused).content


async def test_an_export_holds_no_secret(desk: Desk) -> None:
    await desk.set_up(log=True)
    await desk.ask_for_help()
    content = (await exported(desk)).decode()

    for secret in (orders.USED_UP, "casey", "nothing left", str(desk.customer.id)):
        assert secret not in content


async def test_a_new_server_is_told_once_where_to_begin(desk: Desk) -> None:
    owner = desk.env.create_user("otto")
    guild = desk.env.create_guild("The Other Shop", owner=owner)
    await desk.env.settle()
    channel = guild.create_text_channel("general")
    await desk.env.settle()

    await desk.events.on_guild_join(found(desk, guild))

    (message,) = channel.history()
    assert "/store setup" in str(message.embeds[0].description)
    assert not message.mentions


async def community(desk: Desk, monkeypatch: pytest.MonkeyPatch, **channels: str) -> GuildHandle:
    """Make a Community server without a system channel, in which these channels have these purposes."""
    guild = desk.env.create_guild("The Open Shop", owner=desk.env.create_user("otto"))
    await desk.env.settle()
    for name in ("rules", "announcements", "general", "staff"):
        guild.create_text_channel(name)
    desk.env.backend.edit_channel(guild.channels["announcements"].id, {"type": 5})
    found(desk, guild).features.append("COMMUNITY")
    for purpose, name in channels.items():
        setattr(found(desk, guild), f"_{purpose}_channel_id", guild.channels[name].id)
    await desk.env.settle()
    monkeypatch.setattr(found(desk, guild), "_system_channel_id", None)
    return guild


def direct(desk: Desk, user_id: int) -> list[discord.Message]:
    return ChannelHandle(desk.env, None, desk.env.backend.get_dm_channel(user_id)).history()


def greeted(desk: Desk, guild: GuildHandle) -> list[str]:
    """Return where the owner of a new server was greeted."""
    owner = guild.owner
    assert owner is not None
    channels = {
        **{name: channel.history() for name, channel in guild.channels.items()},
        "direct": direct(desk, owner.id),
    }
    return [name for name, messages in channels.items() if messages]


@pytest.mark.parametrize(
    ("channels", "where"),
    [
        ({"rules": "rules", "public_updates": "staff"}, ["staff"]),
        ({"rules": "rules", "safety_alerts": "staff"}, ["staff"]),
        ({"rules": "rules", "public_updates": "rules", "safety_alerts": "staff"}, ["staff"]),
        ({"rules": "rules", "public_updates": "announcements"}, ["direct"]),
        ({"rules": "rules"}, ["direct"]),
    ],
)
async def test_in_a_community_server_the_owner_is_not_greeted_before_everybody(
    desk: Desk, monkeypatch: pytest.MonkeyPatch, channels: dict[str, str], where: list[str]
) -> None:
    guild = await community(desk, monkeypatch, **channels)

    await desk.events.on_guild_join(found(desk, guild))

    assert greeted(desk, guild) == where


async def test_in_a_community_server_whose_owner_takes_no_messages_the_bot_stays_quiet(
    desk: Desk, monkeypatch: pytest.MonkeyPatch
) -> None:
    guild = await community(desk, monkeypatch, rules="rules")
    desk.env.inject_error("POST", "/channels/*/messages", status=403, code=50007)

    await desk.events.on_guild_join(found(desk, guild))

    assert greeted(desk, guild) == []


async def test_where_the_bot_may_write_nowhere_it_stays_quiet(desk: Desk) -> None:
    guild = desk.env.create_guild("The Other Shop", owner=desk.env.create_user("otto"))
    silent = discord.PermissionOverwrite(send_messages=False)
    channel = guild.create_text_channel("general", overwrites={guild.default_role: silent})
    await desk.env.settle()

    await desk.events.on_guild_join(found(desk, guild))

    assert channel.history() == []


async def test_a_server_that_the_bot_left_is_forgotten_after_a_while_but_not_if_it_comes_back(
    desk: Desk, storage: Storage
) -> None:
    await desk.set_up()
    await desk.ask_for_help()
    guild = found(desk, desk.guild)

    await desk.events.on_guild_remove(guild)
    assert storage.guilds.get(desk.guild.id).left
    assert await storage.retention.delete_left_guilds(30) == []
    await desk.events.on_guild_join(guild)
    assert await storage.retention.delete_left_guilds(-1) == []
    await desk.events.on_guild_remove(guild)
    assert await storage.retention.delete_left_guilds(-1) == [desk.guild.id]

    assert (await storage.tickets.page(desk.guild.id, 1)).total == 0
    assert await audit_entries(storage, desk.guild.id) == []


def found(desk: Desk, guild: GuildHandle) -> discord.Guild:
    known = desk.bot.get_guild(guild.id)
    assert known is not None
    return known


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
