"""How a person sees, exports and deletes what is stored about them."""

import json

import pytest
import sqlalchemy as sa
from desk import Desk, embed, first_option, labels, reply
from storage.samples import execute

from fileflare_bot.demo import orders
from fileflare_bot.settings import Settings
from fileflare_bot.storage.models import MessageRow
from fileflare_bot.storage.options import LaterAccounts
from fileflare_bot.storage.storage import Storage


async def test_nothing_is_kept_about_a_person_who_only_looks_up_downloads(desk: Desk) -> None:
    await desk.mydownloads(orders.DOCUMENTED)

    shown = await desk.customer.slash(desk.channel, "privacy")

    assert shown.ephemeral
    assert reply(shown).content == (
        "**What I keep about you, and until when**\n"
        "Nothing. Looking up your downloads leaves something behind only where a store gives roles to buyers, or if "
        "there is no order with that ID."
    )
    assert labels(reply(shown)) == []


async def test_a_person_gets_all_that_is_kept_about_them_as_a_file(desk: Desk) -> None:
    await desk.set_up()
    await desk.ask_for_help()
    await desk.ask_for_help(person=desk.member)
    await desk.answers(words="Hello, Casey.")

    shown = await desk.at_home.slash("privacy")
    kept = "• **1 help request** with all messages: until 90 days after it is resolved"
    assert reply(shown).content == f"**What I keep about you, and until when**\n{kept}"
    given = await desk.at_home.click(reply(shown), label="Get it as a file")

    assert given.ephemeral
    (file,) = reply(given).attachments
    content = json.loads(await file.read())
    (exported,) = content["help_requests"]
    assert exported["ticket"]["details"]["reference"] == {"token": orders.USED_UP}
    assert exported["ticket"]["details"]["words"] == "It says there is nothing left."
    assert str(desk.moderator.id) not in json.dumps(content)
    assert [message["text"] for message in exported["messages"]] == ["Hello, Casey."]
    assert {action["action"] for action in content["actions"]} == {"filed"}


@pytest.mark.limits(misses_per_user=2)
async def test_a_person_sees_how_many_unknown_orders_they_tried_and_deleting_does_not_end_their_pause(
    desk: Desk,
) -> None:
    shown = await desk.mydownloads(orders.DOCUMENTED)
    await desk.customer.click(reply(shown), label="Remember this order")
    for number in range(2):
        await desk.mydownloads(f"{number:032x}a")

    listed = await desk.customer.slash(desk.channel, "privacy")
    assert reply(listed).content.endswith(
        "\n• **2 tries with unknown order IDs**: kept for up to 12 hours, without the IDs, so that nobody guesses IDs"
    )
    sure = await desk.customer.click(reply(listed), label="Delete it")
    assert "how many unknown order IDs you tried, for up to 12 hours" in reply(sure).content
    await desk.customer.click(reply(sure), label="Delete for good")

    again = await desk.customer.slash(desk.channel, "privacy")
    assert "\n• **2 tries" in reply(again).content
    assert "saved" not in reply(again).content
    assert labels(reply(again)) == ["Get it as a file"]
    assert "Several order IDs were unknown here" in reply(await desk.mydownloads(orders.DOCUMENTED)).content


async def test_a_person_is_told_that_something_in_the_file_cannot_be_read(desk: Desk, bot_settings: Settings) -> None:
    await desk.set_up()
    await desk.ask_for_help()
    await desk.answers(words="Hello, Casey.")
    await execute(bot_settings.database_url.get_secret_value(), sa.update(MessageRow).values(text="damaged"))

    shown = await desk.at_home.slash("privacy")
    given = await desk.at_home.click(reply(shown), label="Get it as a file")

    said = "1 entry cannot be read any more; the file says of what kind it was."
    assert str(reply(given).content).endswith(said)
    (file,) = reply(given).attachments
    assert json.loads(await file.read())["not_readable"] == {"messages": 1}


async def test_a_person_deletes_what_is_kept_and_the_moderators_card_goes_too(desk: Desk, storage: Storage) -> None:
    await desk.set_up()
    await desk.ask_for_help()
    await desk.ask_for_help(person=desk.member)
    shown = await desk.customer.slash(desk.channel, "privacy")

    sure = await desk.customer.click(reply(shown), label="Delete it")
    assert reply(sure).content.splitlines() == [
        "**Delete what I keep about you?** This cannot be undone.",
        "• **1 open help request:** it goes, and nobody will answer it",
        "• **This stays:** my messages to you, and what was posted in a log channel",
    ]
    assert labels(reply(sure)) == ["Delete for good", "Keep it"]
    gone = await desk.customer.click(reply(sure), label="Delete for good")

    assert reply(gone).content == "**Deleted:** 1 help request."
    assert [message.embeds[0].title for message in desk.support.history() if message.embeds] == ["Help request #2"]
    assert [thread.name for thread in desk.support.threads] == ["#2 · Order #1051 · A file has no downloads left"]
    assert (await storage.personal_data.of_user(desk.customer.id)).is_empty
    assert len((await storage.personal_data.of_user(desk.member.id)).tickets) == 1


async def test_who_would_rather_keep_it_presses_so_and_nothing_is_deleted(desk: Desk, storage: Storage) -> None:
    shown = await desk.mydownloads(orders.DOCUMENTED)
    await desk.customer.click(reply(shown), label="Remember this order")
    listed = await desk.customer.slash(desk.channel, "privacy")
    sure = await desk.customer.click(reply(listed), label="Delete it")

    kept = await desk.customer.click(reply(sure), label="Keep it")

    assert reply(kept).content == "Nothing was deleted."
    assert labels(reply(kept)) == []
    assert (await storage.personal_data.of_user(desk.customer.id)).saved_orders == 1


@pytest.mark.parametrize(
    ("refuses", "said"),
    [
        (True, "**This order takes no further account until <t:"),
        (False, "This order counted for an account, perhaps yours"),
    ],
)
async def test_who_deleted_their_data_reads_when_their_order_counts_again_and_can_have_it_moved_back(
    desk: Desk,
    refuses: bool,  # noqa: FBT001 - a case
    said: str,
) -> None:
    await desk.set_up()
    buyer = desk.guild.create_role("Buyer")
    await desk.owner.slash(desk.channel, "store roles add", match="product_id", role=buyer, value="123456")
    if refuses:
        await desk.bot.storage.guilds.change_options(
            desk.guild.id,
            desk.owner.id,
            lambda options: options.model_copy(update={"later_accounts": LaterAccounts.REFUSE}),
        )
    await desk.mydownloads(orders.DOCUMENTED)
    shown = await desk.customer.slash(desk.channel, "privacy")
    sure = await desk.customer.click(reply(shown), label="Delete it")
    files = (
        "**Your files stay,** but the server does not show them to you meanwhile: the store's order page does"
        if refuses
        else "**Your files stay:** whoever has the link can open them"
    )
    assert reply(sure).content.splitlines()[1:] == [
        (
            "• **1 order that counts as yours:** you lose the roles it brought, and for 90 days it may bring you none. "
            "A moderator can end this sooner"
        ),
        f"• {files}",
    ]
    at_home = await desk.at_home.click(reply(await desk.at_home.slash("privacy")), label="Delete it")
    assert reply(at_home).content == reply(sure).content
    await desk.customer.click(reply(sure), label="Delete for good")

    again = await desk.mydownloads(orders.DOCUMENTED)

    text = reply(again).content + "".join(str(field.value) for each in reply(again).embeds for field in each.fields)
    assert said in text
    assert "nother account" not in text
    form = await desk.customer.click(reply(again), label="Get help")
    await desk.customer.submit_modal(form, {"topic": "no_role", "words": "It is mine."})
    asked = await desk.owner.click(desk.card(), label="Move")
    await desk.owner.click(reply(asked), label="Move it")
    assert buyer.id in desk.env.backend.get_guild(desk.guild.id).members[desk.customer.id].role_ids
    assert said not in str(reply(await desk.mydownloads(orders.DOCUMENTED)).content)


async def test_a_moderators_record_is_shown_and_stays(desk: Desk, storage: Storage) -> None:
    await desk.set_up()
    await desk.ask_for_help()
    await desk.press("Take")
    await desk.answers(words="Hello, Casey.")

    shown = await desk.moderator.slash(desk.channel, "privacy")

    assert reply(shown).content.splitlines()[1:] == [
        ("• **1 answer** that you wrote as a moderator, encrypted: until 90 days after its help request is resolved"),
        "• **1 help request** that says that you took or resolved it: until 90 days after it is resolved",
        (
            "• **2 notes** of what you did as a moderator or owner, and when: the server's record, for 90 days or as "
            "long as the help request"
        ),
        (
            "What you did as a moderator or owner belongs to the server: deleting your data leaves it. Cards and "
            "threads name you, too, and go with their help requests; lines in a log channel stay until the server "
            "deletes them."
        ),
    ]
    assert labels(reply(shown)) == ["Get it as a file"]
    assert len((await storage.personal_data.of_user(desk.moderator.id)).entries) == 2
    (file,) = reply(await desk.moderator.click(reply(shown), label="Get it as a file")).attachments
    content = json.loads(await file.read())
    (written,) = content["answers_as_moderator"]
    assert (written["guild_id"], written["number"]) == (desk.guild.id, 1)
    assert content["help_requests_as_moderator"] == [
        {"guild_id": desk.guild.id, "number": 1, "taken": True, "resolved": False}
    ]
    assert "Casey" not in json.dumps(content)


async def test_deleting_takes_the_roles_back_and_keeps_the_order_from_others_until_it_is_released(desk: Desk) -> None:
    buyer = desk.guild.create_role("Buyer")
    await desk.owner.slash(desk.channel, "store roles add", match="product_id", role=buyer, value="123456")
    await desk.mydownloads(orders.DOCUMENTED)
    members = desk.env.backend.get_guild(desk.guild.id).members
    assert buyer.id in members[desk.customer.id].role_ids

    shown = await desk.customer.slash(desk.channel, "privacy")
    sure = await desk.customer.click(reply(shown), label="Delete it")
    gone = await desk.customer.click(reply(sure), label="Delete for good")

    assert reply(gone).content == "**Deleted:** 1 order that counted as yours, with its roles."
    assert buyer.id not in members[desk.customer.id].role_ids
    again = await desk.customer.slash(desk.channel, "privacy")
    assert "\nNothing." in reply(again).content
    explained = await desk.mydownloads(orders.DOCUMENTED, person=desk.member)
    assert [field.name for field in embed(explained).fields] == ["No role this time"]
    later = await desk.mydownloads(orders.DOCUMENTED, person=desk.member)
    assert embed(later).fields == []
    assert "\nNo role until <t:" in reply(later).content
    assert buyer.id not in members[desk.member.id].role_ids
    listed = await desk.moderator.slash(desk.channel, "claims order", **{"order-id": orders.DOCUMENTED})
    assert "an account that had its data deleted" in str(embed(listed).description)
    chosen = await desk.moderator.select(reply(listed), [first_option(listed)], custom_id="claims:choose")
    assert "The order counts for an account that had its data deleted." in reply(chosen).content
    await desk.moderator.click(reply(chosen), label="Release")
    await desk.mydownloads(orders.DOCUMENTED, person=desk.member)
    assert buyer.id in members[desk.member.id].role_ids


async def test_a_person_reads_which_orders_count_as_theirs_and_may_lose_them_while_others_keep_them(desk: Desk) -> None:
    buyer = desk.guild.create_role("Buyer")
    await desk.owner.slash(desk.channel, "store roles add", match="product_id", role=buyer, value="123456")
    await desk.bot.storage.guilds.change_options(
        desk.guild.id, desk.owner.id, lambda options: options.model_copy(update={"accounts_per_order": 3})
    )
    for person in (desk.member, desk.customer):
        await desk.mydownloads(orders.DOCUMENTED, person=person)
    for token in (orders.USED_UP, orders.LARGE, orders.HOSTILE):
        await desk.mydownloads(token)

    shown = await desk.customer.slash(desk.channel, "privacy")
    line = next(line for line in reply(shown).content.splitlines() if "count as yours" in line)
    sure = await desk.customer.click(reply(shown), label="Delete it")
    await desk.customer.click(reply(sure), label="Delete for good")

    assert line.startswith("• **4 orders that count as yours** where a store gives roles to buyers (\\#")
    assert "\\#1051 · Wallpaper set" in line
    assert line.endswith(", …): until you delete them")
    members = desk.env.backend.get_guild(desk.guild.id).members
    assert buyer.id not in members[desk.customer.id].role_ids
    assert buyer.id in members[desk.member.id].role_ids
    await desk.mydownloads(orders.DOCUMENTED)
    assert buyer.id in members[desk.customer.id].role_ids


async def test_a_role_that_discord_does_not_take_back_is_named_and_taken_back_later(desk: Desk) -> None:
    buyer = desk.guild.create_role("Buyer")
    await desk.owner.slash(desk.channel, "store roles add", match="product_id", role=buyer, value="123456")
    await desk.mydownloads(orders.DOCUMENTED)
    desk.env.inject_error("DELETE", "/guilds/*/members/*/roles/*", status=503)

    shown = await desk.customer.slash(desk.channel, "privacy")
    sure = await desk.customer.click(reply(shown), label="Delete it")
    gone = await desk.customer.click(reply(sure), label="Delete for good")
    assert reply(gone).content.endswith("A role may not be taken back yet; I go on trying.")
    await desk.later()

    assert buyer.id not in desk.env.backend.get_guild(desk.guild.id).members[desk.customer.id].role_ids


async def test_everything_that_is_kept_is_a_count_and_a_time_and_fits_a_phones_screen(desk: Desk) -> None:
    desk.speaks(desk.customer, "de")
    await desk.set_up()
    shown = await desk.mydownloads(orders.DOCUMENTED)
    await desk.customer.click(reply(shown), label="Bestellung merken")
    for token in (orders.USED_UP, orders.EMPTY, orders.LARGE):
        lookup = await desk.mydownloads(token)
        asked = await desk.customer.click(reply(lookup), label="Hilfe holen")
        await desk.customer.submit_modal(asked, {"topic": "other", "words": "Es geht nicht."})

    listed = await desk.customer.slash(desk.channel, "privacy")

    assert reply(listed).content.splitlines() == [
        "**Was ich über dich speichere, und bis wann**",
        "• **1 gemerkte Bestellung**, verschlüsselt: bis du sie vergessen lässt",
        "• **3 Hilfeanfragen** mit allen Nachrichten: bis 90 Tage, nachdem sie erledigt sind",
    ]
    assert labels(reply(listed)) == ["Als Datei holen", "Löschen"]
