"""A server's own ready-made answers."""

import pytest
from desk import Desk, embed, reply
from simcord.results import InteractionResult

TEXT = "Hi {customer}, about {order}: {file} is fixed."


async def save(desk: Desk, name: str = "fixed", text: str = TEXT) -> InteractionResult:
    shown = await desk.moderator.slash(desk.channel, "answers add", name=name)
    return await desk.moderator.submit_modal(shown, {"words": text})


async def test_a_new_answer_is_previewed_and_sent_with_its_placeholders_filled(desk: Desk) -> None:
    await desk.set_up()
    saved = await save(desk)
    assert reply(saved).content == "The answer “fixed” is saved. It will read like this:"
    assert embed(saved).description == f"Hi <@{desk.moderator.id}>, about order #1050: **My new book** is fixed."

    await desk.ask_for_help()
    await desk.answers(saved=["fixed"])

    said = f"Hi <@{desk.customer.id}>, about order #1051: **wallpapers.zip** is fixed."
    assert desk.direct()[0].embeds[0].description == said


async def test_an_unknown_placeholder_is_named_and_the_text_given_back(desk: Desk) -> None:
    refused = await save(desk, text="Hi {costumer}!")

    assert reply(refused).content.startswith("**Nothing fills {costumer}.** There are these placeholders: {customer}")
    assert "```\nHi {costumer}!\n```" in reply(refused).content
    listed = await desk.moderator.slash(desk.channel, "answers list")
    assert embed(listed).description == "Save one with /answers add."


async def test_answers_are_listed_changed_and_deleted(desk: Desk) -> None:
    await save(desk)
    await save(desk, "wait", "Please wait.")

    shown = await desk.moderator.slash(desk.channel, "answers edit", name="wait")
    assert shown.modal is not None
    assert shown.modal["components"][0]["component"]["value"] == "Please wait."
    await desk.moderator.submit_modal(shown, {"words": "Please wait a day."})
    await desk.moderator.slash(desk.channel, "answers remove", name="fixed")
    listed = await desk.moderator.slash(desk.channel, "answers list")

    assert reply(listed).content == "1 saved answer"
    assert embed(listed).description == "**wait**\nPlease wait a day."


async def test_a_name_that_is_taken_or_unknown_is_refused(desk: Desk) -> None:
    await save(desk)

    assert reply(await save(desk)).content.startswith("**There is a saved answer of that name.**")
    for command in ("answers edit", "answers remove"):
        refused = await desk.moderator.slash(desk.channel, command, name="nothing")
        assert reply(refused).content.startswith("**There is no saved answer of that name.**")


async def test_names_are_offered_while_typing(desk: Desk) -> None:
    await save(desk)
    await save(desk, "wait", "Please wait.")

    offered = await desk.moderator.autocomplete(desk.channel, "answers remove", "name", "FIX")

    assert [choice["name"] for choice in offered] == ["fixed"]
    await desk.restart()
    offered = await desk.moderator.autocomplete(desk.channel, "answers remove", "name", "FIX")
    assert [choice["name"] for choice in offered] == ["fixed"], "also when the server was not used yet"


async def test_while_the_database_is_away_after_a_restart_nothing_is_offered_and_a_form_is_refused(
    desk: Desk, monkeypatch: pytest.MonkeyPatch
) -> None:
    await save(desk)
    desk.bot.storage.guilds.forget([desk.guild.id])  # as after a restart

    def away(*_arguments: object) -> None:
        raise ConnectionRefusedError

    monkeypatch.setattr(desk.bot.storage._database, "_sessions", away)  # noqa: SLF001 - the fault itself
    assert await desk.moderator.autocomplete(desk.channel, "answers remove", "name", "FIX") == []
    refused = await desk.moderator.slash(desk.channel, "answers edit", name="fixed")

    assert reply(refused).content.startswith("**My database cannot be reached right now.**")


async def test_more_than_a_select_can_show_are_refused(desk: Desk) -> None:
    for number in range(25):
        await save(desk, f"answer {number}", "Hello.")

    assert reply(await save(desk, "one more")).content.startswith("**There are 25 saved answers")
