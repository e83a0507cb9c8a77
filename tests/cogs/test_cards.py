"""What a card leaves out, how it shrinks, and its language."""

import pytest
from desk import Desk, embed, labels, reply

from fileflare_bot.demo import orders
from fileflare_bot.storage.records import Resolution


async def test_details_show_the_moderator_alone_all_words_findings_and_what_the_data_cannot_show(desk: Desk) -> None:
    await desk.set_up()
    await desk.ask_for_help(words="word " * 100 + "\nand the last line")
    card = str(desk.card().embeds[0].description)
    assert "and the last line" not in card
    assert "Clicks are counted" not in card
    assert "IP limit" not in str(desk.card().embeds[0].to_dict())
    before = len(desk.support.history()), desk.notes()

    shown = await desk.press("Details")

    assert reply(shown).ephemeral
    assert reply(shown).content == "**Help request #1 · Order #1051**"
    assert "> and the last line" in str(embed(shown).description)
    assert "🔴 wallpapers.zip: no downloads left (3 of 3 used). Clicks are counted" in str(embed(shown).description)
    assert embed(shown).fields[0].name == "What the data cannot show"
    assert "**IP limit**" in str(embed(shown).fields[0].value)
    assert (len(desk.support.history()), desk.notes()) == before


async def test_what_does_not_fit_into_the_details_comes_as_a_file(desk: Desk) -> None:
    assets = desk.sample.answers[orders.USED_UP]["order"]["lines"][0]["assets"]
    assets += [
        {**assets[0], "data": {**assets[0]["data"], "id": str(number), "filename": f"{number}-{'x' * 60}.zip"}}
        for number in range(100)
    ]
    await desk.set_up()
    await desk.ask_for_help()

    shown = await desk.press("Details")

    (file,) = reply(shown).attachments
    assert file.filename == "details.txt"


async def test_a_resolved_card_shrinks_to_its_title_who_closed_it_and_whose_it_was(desk: Desk) -> None:
    await desk.set_up()
    await desk.ask_for_help()

    await desk.resolves(Resolution.FIXED)

    assert str(desk.card().embeds[0].description) == (
        f"🟢 **Resolved:** It works now.\n<@{desk.customer.id}> · **Order #1051** · by <@{desk.moderator.id}>"
    )
    assert labels(desk.card()) == ["Reopen", "Details"]
    assert "no downloads left" in str(embed(await desk.press("Details")).description)


@pytest.mark.parametrize(
    ("chosen", "servers", "german"), [("", "de", True), ("de", "en-US", True), ("en", "de", False)]
)
async def test_what_moderators_read_is_in_the_owners_language_else_in_the_servers_and_setup_names_it(
    desk: Desk, chosen: str, servers: str, *, german: bool
) -> None:
    desk.env.backend.get_guild(desk.guild.id).preferred_locale = servers
    await desk.restart()
    await desk.set_up(log=True)
    setup = await desk.owner.slash(desk.channel, "store setup")
    own = {"de": "German", "en-US": "English"}[servers]
    assert f"moderators read {own} on cards" in str(reply(setup).components)
    if chosen:
        await desk.owner.select(reply(setup), [chosen], custom_id="store_setup:language")

    await desk.ask_for_help()

    (card,) = [message for message in desk.support.history() if message.embeds]
    assert card.embeds[0].title == ("Hilfeanfrage #1" if german else "Help request #1")
    assert labels(card)[0] == ("Übernehmen" if german else "Take")
    await desk.moderator.click(card, label=labels(card)[1])
    assert ("hat die Bestellung noch einmal geprüft" in desk.notes()[-1]) is german
    lines = [str(line.embeds[0].description) for line in desk.log_channel.history()]
    assert ("hat um Hilfe gebeten" in lines[-2]) is german


async def test_what_a_customer_writes_again_is_on_the_card_with_their_new_topic_and_their_first_words(
    desk: Desk,
) -> None:
    await desk.set_up()
    await desk.ask_for_help(words="It says there is nothing left.")
    await desk.press("Take")

    await desk.ask_for_help(words="The second file is broken, too.", topic="wrong_file")

    card = str(desk.card().embeds[0].description)
    assert (
        "**Says:** A file is wrong or damaged\n> It says there is nothing left.\n> ✍️ The second file is broken, too.\n"
        in card
    )
    assert "🔴 wallpapers.zip: no downloads left" in card
    await desk.ask_for_help(words="", topic="no_email")
    assert "**Says:** I got no email\n" in str(desk.card().embeds[0].description)
    await desk.answers(words="Now?")
    assert "✍️" not in str(desk.card().embeds[0].description)


async def test_the_finding_that_fits_the_chosen_topic_comes_first(desk: Desk) -> None:
    desk.sample.answers[orders.USED_UP]["order"]["lines"][0]["assets"][1]["data"]["url"] = ""
    await desk.set_up()

    await desk.ask_for_help(topic="download_fails")

    card = str(desk.card().embeds[0].description)
    assert card.index("🔴 wallpapers-bonus.zip: ") < card.index("🔴 wallpapers.zip: no downloads left")
