"""Panels that are posted show what the owner changes, and are forgotten once they are gone."""

from typing import Any

import discord
import pytest
from desk import Desk, embed, labels, page, reply, toggle_id
from simcord.builders import ChannelHandle

from fileflare_bot.storage.panels import MOST_PANELS
from fileflare_bot.storage.records import Panel


async def post(desk: Desk, channel: ChannelHandle | None = None) -> discord.Message:
    """Post the panel, and return its message."""
    where = channel or desk.channel
    await desk.owner.slash(where, "store panel")
    return now(where)


def now(channel: ChannelHandle) -> discord.Message:
    """Return the newest panel of a channel."""
    return [message for message in channel.history() if message.embeds][-1]


async def known(desk: Desk) -> list[Panel]:
    return await desk.bot.storage.panels.of_guild(desk.guild.id)


async def word(desk: Desk, **words: str) -> str:
    """Change the panel's words, and return what the owner is told."""
    setup = await desk.owner.slash(desk.channel, "store setup")
    shown = await desk.owner.click(reply(setup), custom_id="store_setup:words")
    return (await desk.owner.submit_modal(shown, words)).followups[-1].content


async def test_a_panel_shows_new_words_colour_language_and_features_without_being_posted_again(desk: Desk) -> None:
    panel = await post(desk)

    said = await word(
        desk, title="Your books", button="My books", colour="#aa0000", where="https://my-store.com/account"
    )
    assert said == f"Saved. This is what your customers see now in <#{desk.channel.id}>:"
    shown = now(desk.channel)
    assert shown.id == panel.id
    assert shown.embeds[0].title == "Your books"
    assert shown.embeds[0].colour == discord.Colour.from_str("#aa0000")
    assert "<https://my-store.com/account>" in str(shown.embeds[0].description)
    assert labels(shown) == ["My books"]

    setup = await desk.owner.slash(desk.channel, "store setup")
    await desk.owner.click(reply(setup), custom_id=toggle_id(setup, "buyers_roles"))
    await desk.owner.select(reply(setup), ["de"], custom_id="store_setup:language")
    assert labels(now(desk.channel)) == ["My books", "Meine Rollen zurückholen"]
    assert "Bestelllink" in str(now(desk.channel).embeds[0].description)


async def test_every_panel_is_changed_and_the_owner_is_told_where(desk: Desk) -> None:
    second = desk.guild.create_text_channel("shop")
    await post(desk)
    await post(desk, second)
    desk.speaks(desk.owner, "de")

    said = await word(desk, title="Your books")

    assert said == f"Gespeichert. Das sehen eure Kunden jetzt in <#{desk.channel.id}>, <#{second.id}>:"
    assert [now(channel).embeds[0].title for channel in (desk.channel, second)] == ["Your books"] * 2


async def test_what_changes_nothing_on_the_panel_does_not_touch_it(desk: Desk) -> None:
    await post(desk)
    before = len(desk.env.http_requests)

    await desk.set_up(log=True)

    edits = [made for made in desk.env.http_requests[before:] if made.method == "PATCH" and "/messages/" in made.path]
    assert [made.path for made in edits if f"/channels/{desk.channel.id}/" in made.path] == []


async def test_a_panel_that_was_deleted_is_forgotten_and_the_setup_says_that_one_is_missing(desk: Desk) -> None:
    panel = await post(desk)
    desk.env.backend.delete_message(desk.channel.id, panel.id)

    said = await word(desk, title="Your books")

    assert said == "Saved. Your panel will look like this: press **Post the panel** in /store setup."
    assert await known(desk) == []
    assert "Still missing: the panel" in page(await desk.owner.slash(desk.channel, "store setup"))


async def test_check_notices_a_panel_that_was_deleted(desk: Desk) -> None:
    await desk.set_up()
    panel = await post(desk)
    desk.env.backend.delete_message(desk.channel.id, panel.id)
    setup = await desk.owner.slash(desk.channel, "store setup")

    checked = await desk.owner.click(reply(setup), label="Check")

    assert reply(checked).content.splitlines()[-2:] == [
        "Next: press **Post the panel**, and choose your customers' channel.",
        (
            "💡 **Worth adding: where your customers find their order link.** Press **The panel's words**, and fill "
            "in **Where do I find my order link?**"
        ),
    ]


@pytest.mark.parametrize("locale", ["en-US", "de"])
async def test_a_panel_that_may_not_be_changed_is_told_to_the_owner_and_changed_later(desk: Desk, locale: str) -> None:
    await desk.set_up(log=True)
    await post(desk)
    desk.speaks(desk.owner, locale)
    desk.env.inject_error("PATCH", f"/channels/{desk.channel.id}/messages/*", status=403, code=50001)

    said = await word(desk, title="Your books")

    assert said.startswith(
        {
            "en-US": "Saved. Not every panel shows it yet; I go on changing them.",
            "de": "Gespeichert. Noch zeigt es nicht jedes Panel; ich ändere sie weiter.",
        }[locale]
    )
    told = [str(message.embeds[0].description) for message in desk.log_channel.history() if message.embeds]
    warning = f"⚠️ The panel in <#{desk.channel.id}> does not show your last change yet."
    assert len([line for line in told if line.startswith(warning)]) == 1
    shown = str(embed(await desk.owner.slash(desk.channel, "store status")).description)
    assert f"<#{desk.channel.id}> " in shown
    assert len([line for line in shown.splitlines() if line.startswith("⚠️")]) == 1
    await desk.later()
    assert now(desk.channel).embeds[0].title == "Your books"
    assert [panel.due for panel in await known(desk)] == [False]


async def test_a_panel_of_an_earlier_version_is_learned_from_a_press_of_its_button(desk: Desk) -> None:
    panel = await post(desk)
    await desk.bot.storage.panels.forget((await known(desk))[0].id)
    await word(desk, title="Your books")
    assert now(desk.channel).embeds[0].title == "Your downloads"

    asked = await desk.customer.click(panel, label="Get my downloads")

    assert asked.modal is not None
    assert now(desk.channel).embeds[0].title == "Your books"
    assert [panel.message_id for panel in await known(desk)] == [panel.id]
    await desk.customer.click(now(desk.channel), label="Get my downloads")
    await desk.restart()
    await desk.customer.click(now(desk.channel), label="Get my downloads")
    assert len(await known(desk)) == 1


async def test_the_button_under_a_refusal_is_no_panel(desk: Desk) -> None:
    refused = await desk.mydownloads("#1050")

    await desk.customer.click(reply(refused), label="Get my downloads")

    assert await known(desk) == []


async def test_the_oldest_of_too_many_panels_is_forgotten(desk: Desk) -> None:
    panels = desk.bot.storage.panels
    for number in range(1, MOST_PANELS + 3):
        await panels.learn(desk.guild.id, desk.channel.id, number, "en")

    assert [panel.message_id for panel in await known(desk)] == [*range(3, MOST_PANELS + 3)]


async def test_the_panel_is_posted_in_the_channel_that_the_owner_chooses(desk: Desk) -> None:
    shop = desk.guild.create_text_channel("shop")
    desk.speaks(desk.owner, "de")
    setup = await desk.owner.slash(desk.channel, "store setup")
    asked = await desk.owner.click(reply(setup), label="Panel posten")

    posted = await desk.owner.submit_modal(asked, {"channel": [shop]})

    assert reply(posted).content.splitlines()[-1] == f"Eure Kunden können den Knopf in <#{shop.id}> drücken."
    assert labels(now(shop)) == ["Get my downloads"]
    assert not [message for message in desk.channel.history() if message.embeds]


async def test_what_the_bot_lacks_in_the_chosen_channel_is_named(desk: Desk) -> None:
    silent = discord.PermissionOverwrite(send_messages=False)
    shop = desk.guild.create_text_channel("shop", overwrites={desk.guild.default_role: silent})
    setup = await desk.owner.slash(desk.channel, "store setup")
    asked = await desk.owner.click(reply(setup), label="Post the panel")

    refused = await desk.owner.submit_modal(asked, {"channel": [shop]})

    assert reply(refused).content.endswith("then try again: Send Messages, Embed Links.")
    assert await known(desk) == []


async def test_a_panel_where_customers_cannot_see_it_is_named_wherever_panels_are(desk: Desk) -> None:
    await desk.set_up()
    setup = await desk.owner.slash(desk.channel, "store setup")
    asked = await desk.owner.click(reply(setup), label="Post the panel")
    private: Any = {
        desk.guild.default_role: discord.PermissionOverwrite(view_channel=False),
        desk.bot.user: discord.PermissionOverwrite(view_channel=True),
    }
    closed = desk.guild.create_text_channel("closed", overwrites=private)
    hidden = f"⚠️ **Your customers cannot see the panel in <#{closed.id}>.** Let them view the channel;"

    posted = await desk.owner.submit_modal(asked, {"channel": [closed]})

    assert reply(posted).content.splitlines()[-1].startswith(hidden)
    assert "Your customers can press" not in reply(posted).content
    shown = page(await desk.owner.slash(desk.channel, "store setup"))
    assert hidden in shown
    assert "Your customers can press" not in shown
    checked = reply(await desk.owner.click(reply(setup), label="Check")).content
    assert checked.startswith("**This needs fixing:**")
    assert checked.count(hidden) == 1
    assert hidden in str(embed(await desk.owner.slash(desk.channel, "store status")).description)
    assert hidden in reply(await desk.owner.slash(closed, "store panel")).content

    teams = (
        f"⚠️ **Your customers cannot see the panel in <#{closed.id}>, and must not:** your team's messages are "
        "there. Delete that panel, and post it where your customers are."
    )
    await desk.had_stored(support_channel_id=closed.id)
    assert teams in page(await desk.owner.slash(desk.channel, "store setup"))
    assert teams in reply(await desk.owner.click(reply(setup), label="Check")).content

    everyone = discord.PermissionOverwrite(view_channel=False)
    buyers = desk.guild.create_role("Buyers")
    seen: Any = {desk.guild.default_role: everyone, buyers: discord.PermissionOverwrite(view_channel=True)}
    behind_a_role = desk.guild.create_text_channel("buyers", overwrites=seen)
    await desk.env.settle()
    said = reply(await desk.owner.slash(behind_a_role, "store panel")).content
    assert said.startswith(("The panel is posted", "**I may not"))
    assert "cannot see" not in said


async def test_no_panel_is_posted_in_the_support_or_the_log_channel(desk: Desk) -> None:
    await desk.set_up(log=True)
    setup = await desk.owner.slash(desk.channel, "store setup")

    await desk.ask_for_help()
    below = await desk.owner.slash(desk.thread(), "store panel")
    assert reply(below).content.startswith(f"**<#{desk.support.id}> is your support or log channel")
    for teams in (desk.support, desk.log_channel):
        here = await desk.owner.slash(teams, "store setup")
        asked = await desk.owner.click(reply(here), label="Post the panel")
        assert asked.modal is not None
        assert f"'id': '{teams.id}'" not in repr(asked.modal)
        asked = await desk.owner.click(reply(setup), label="Post the panel")
        for refused in (
            await desk.owner.submit_modal(asked, {"channel": [teams]}),
            await desk.owner.slash(teams, "store panel"),
        ):
            assert reply(refused).content == (
                f"**<#{teams.id}> is your support or log channel, so I do not post the panel there.** Choose a channel "
                "that your customers see."
            )

    assert await known(desk) == []


async def test_the_setup_and_its_form_say_whether_there_is_a_panel_already_and_where(desk: Desk) -> None:
    setup = await desk.owner.slash(desk.channel, "store setup")
    assert "**Last step: post the panel**, the message with the button for your customers." in page(setup)
    await post(desk)

    setup = await desk.owner.slash(desk.channel, "store setup")
    asked = await desk.owner.click(reply(setup), label="Post the panel")

    assert page(setup).endswith(f"**The panel** is in <#{desk.channel.id}> already.")
    assert asked.modal is not None
    assert asked.modal["components"][0]["content"] == (
        f"**The panel** is in <#{desk.channel.id}> already. Where one is, I post it anew at the bottom, and take the "
        "old one down."
    )


@pytest.mark.parametrize(("chosen", "language"), [("", "English"), ("de", "German")])
async def test_the_setup_names_the_language_that_moderators_read(desk: Desk, chosen: str, language: str) -> None:
    setup = await desk.owner.slash(desk.channel, "store setup")

    shown = page(await desk.owner.select(reply(setup), [chosen or "-"], custom_id="store_setup:language"))

    assert f"**Language:** moderators read {language} on cards and in the log channel, and customers on" in shown


async def test_a_channel_with_the_panel_is_not_to_be_closed_but_another_is_to_be_chosen(desk: Desk) -> None:
    await post(desk)
    await desk.had_stored(support_channel_id=desk.channel.id, log_channel_id=desk.channel.id)

    setup = await desk.owner.slash(desk.channel, "store setup")

    here, shown = f"<#{desk.channel.id}>", page(setup)
    assert f"⚠️ **Customers can read {here}.** Below, at the channel, I say what to do." in shown
    sentence = (
        "**Customers see this channel: your panel is here.** In /store setup, choose another one that only your team "
        "sees."
    )
    assert f"⚠️ Support channel: {here}\n{sentence}\n" in shown
    assert "Everybody can read" not in shown
    assert "switch View Channel off" not in shown
    for said in (
        reply(await desk.owner.click(reply(setup), label="Check")).content,
        str(embed(await desk.owner.slash(desk.channel, "store status")).description),
    ):
        assert f"⚠️ Support channel: {here}\n{sentence}\n⚠️ Log channel: {here}\n" in said
        assert said.count(sentence) == shown.count(sentence) == 1


async def test_one_channel_for_help_requests_and_the_log_is_named(desk: Desk) -> None:
    await desk.set_up()
    setup = await desk.owner.slash(desk.channel, "store setup")

    shown = page(await desk.owner.select(reply(setup), [desk.support], custom_id="store_setup:set:log_channel_id"))

    assert "💡 Help requests come here too, and the log pushes them up." in shown


async def test_the_open_setup_page_follows_the_words_that_are_saved(desk: Desk) -> None:
    setup = await desk.owner.slash(desk.channel, "store setup")
    assert "Worth adding: where your customers find their order link." in page(setup)
    shown = await desk.owner.click(reply(setup), custom_id="store_setup:words")

    saved = await desk.owner.submit_modal(shown, {"where": "In your email."})

    assert "Worth adding" not in page(saved)
    assert "The first line of **Where do I find my order link?** is no address." in saved.followups[-1].content
    again = await desk.owner.click(saved.followups[-1], label="Fix it")
    assert again.modal is not None
    assert [field["component"].get("value") or "" for field in again.modal["components"]][-1] == "In your email."
    fixed = await desk.owner.submit_modal(again, {"where": "https://my-store.com/account"})
    assert "is no address" not in reply(fixed).content
    assert "Fix it" not in labels([reply(fixed), *fixed.followups][-1])
