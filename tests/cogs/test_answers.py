"""A server's own ready-made answers."""

import asyncio

import pytest
from desk import Desk, buttons, custom_id, embed, prefilled, reply
from simcord.results import InteractionResult

from fileflare_bot.demo import orders
from fileflare_bot.storage.records import Ticket

TEXT = "Hi {customer}, about {order}: {file} is fixed."


async def save(desk: Desk, name: str = "fixed", text: str = TEXT) -> InteractionResult:
    shown = await desk.moderator.slash(desk.channel, "answers add", name=name)
    return await desk.moderator.submit_modal(shown, {"words": text})


async def test_a_new_answer_is_previewed_and_sent_with_its_placeholders_filled(desk: Desk) -> None:
    await desk.set_up()
    saved = await save(desk)
    assert reply(saved).content == "The answer “fixed” is saved. It will read like this:"
    assert embed(saved).description == f"Hi <@{desk.moderator.id}>, about order #1050: My new book is fixed."

    await desk.ask_for_help()
    await desk.answers(saved="fixed")

    said = "Hi casey, about order #1051: wallpapers.zip is fixed."
    assert desk.direct()[0].embeds[0].description == said


async def test_an_answer_of_nothing_but_spaces_is_refused(desk: Desk) -> None:
    refused = await save(desk, text="  \u200b ")

    assert str(reply(refused).content).startswith("**There was nothing in it.**")
    listed = await desk.moderator.slash(desk.channel, "answers list")
    assert embed(listed).description == "Save one with /answers add."


async def test_an_unknown_placeholder_is_named_and_the_text_given_back(desk: Desk) -> None:
    refused = await save(desk, text="Hi {costumer}!")

    assert reply(refused).content.startswith("**Nothing fills {costumer}.** There are these placeholders: {customer}")
    assert "\n> Hi {costumer}!" in reply(refused).content
    listed = await desk.moderator.slash(desk.channel, "answers list")
    assert embed(listed).description == "Save one with /answers add."


@pytest.mark.parametrize("wrong", ["Hi {costumer}!", f"Here: {orders.DOCUMENTED}"])
async def test_a_refused_answer_is_fixed_in_its_form_with_the_text_in_it(desk: Desk, wrong: str) -> None:
    refused = await save(desk, text=wrong)

    again = await desk.moderator.click(reply(refused), label="Fix it")
    assert prefilled(again) == wrong
    saved = await desk.moderator.submit_modal(again, {"words": "Hi {customer}!"})
    assert reply(saved).content.startswith("The answer “fixed” is saved.")
    assert prefilled(await desk.moderator.click(reply(refused), label="Fix it")) == "Hi {customer}!"

    await desk.restart()
    edited = await desk.moderator.slash(desk.channel, "answers edit", name="fixed")
    refused = await desk.moderator.submit_modal(edited, {"words": wrong})
    await desk.restart()
    assert prefilled(await desk.moderator.click(reply(refused), label="Fix it")) == "Hi {customer}!"


async def test_the_name_of_an_answer_holds_no_order_as_it_stands_in_custom_ids(desk: Desk) -> None:
    refused = await desk.moderator.slash(desk.channel, "answers add", name=orders.DOCUMENTED)

    assert refused.modal is None
    assert reply(refused).content.startswith("**Not saved: there is an order link or an order ID in it,**")


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


async def choose(desk: Desk, source: str, name: str) -> InteractionResult:
    """Press Answer on the card, and choose an answer."""
    shown = await desk.press("Answer")
    return await desk.moderator.select(reply(shown), [name], custom_id=custom_id(reply(shown), f":{source}"))


@pytest.mark.parametrize(
    ("source", "name", "text"),
    [
        ("saved", "fixed", "Hi casey, about order #1051: wallpapers.zip is fixed."),
        ("ready", "last_one", "Hello casey, only one download is left for wallpapers-bonus.zip. Use it"),
    ],
)
async def test_the_text_of_an_answer_is_shown_filled_in_and_can_be_changed_before_anything_is_sent(
    desk: Desk, source: str, name: str, text: str
) -> None:
    await desk.set_up()
    await save(desk)
    await desk.ask_for_help()

    form = await choose(desk, source, name)

    assert prefilled(form).startswith(text)
    assert desk.direct() == []
    sent = await desk.moderator.submit_modal(form, {"words": prefilled(form) + " Bye!"})
    assert reply(sent).content == "Help request #1: Sent by direct message."
    assert desk.direct()[0].embeds[0].description == prefilled(form) + " Bye!"
    assert prefilled(form) + " Bye!" in desk.notes()[-1]


async def test_the_moderator_sees_a_built_in_answer_in_the_customers_language_and_what_it_means_in_theirs(
    desk: Desk,
) -> None:
    await desk.set_up()
    desk.speaks(desk.customer, "de")
    lookup = await desk.mydownloads(orders.USED_UP)
    form = await desk.customer.click(reply(lookup), label="Hilfe holen")
    await desk.customer.submit_modal(form, {"topic": "other", "words": "Hilfe!"})

    form = await choose(desk, "ready", "no_email")

    assert form.modal is not None
    assert prefilled(form).startswith("Hallo casey, für deine Dateien brauchst du keine E-Mail")
    assert form.modal["components"][0]["description"] == "The customer's language: German"
    assert form.modal["components"][1]["content"].startswith("In your language:\nHello casey, you need no email")


async def test_answers_for_the_findings_come_first_and_the_moderators_own_words_need_no_choice(desk: Desk) -> None:
    await desk.set_up()
    await desk.ask_for_help()

    shown = await desk.press("Answer")

    assert reply(shown).content == "Choose an answer. You see its text, and can change it, before it is sent."
    (ready,) = [item for item in buttons(reply(shown)) if item["custom_id"].endswith(":ready")]
    assert [option["value"] for option in ready["options"] if option.get("emoji")] == ["used_up", "last_one"]
    assert [option["value"] for option in ready["options"]][:2] == ["used_up", "last_one"]
    form = await desk.moderator.click(reply(shown), label="Your own words")
    assert prefilled(form) == ""
    refused = await desk.moderator.submit_modal(form, {"words": " "})
    assert reply(refused).content.startswith("**There was nothing in it.**")


async def test_an_answer_that_is_deleted_meanwhile_is_refused(desk: Desk) -> None:
    await desk.set_up()
    await save(desk)
    await desk.ask_for_help()
    shown = await desk.press("Answer")
    await desk.moderator.slash(desk.channel, "answers remove", name="fixed")

    refused = await desk.moderator.select(reply(shown), ["fixed"], custom_id=custom_id(reply(shown), ":saved"))

    assert reply(refused).content.startswith("**There is no saved answer of that name.**")


async def test_a_long_answer_is_cut_before_the_moderator_reads_it_and_a_form_that_comes_too_late_is_refused(
    desk: Desk, monkeypatch: pytest.MonkeyPatch
) -> None:
    await desk.set_up()
    await save(desk, text="{file}" * 200)
    await desk.ask_for_help()

    form = await choose(desk, "saved", "fixed")
    assert len(prefilled(form)) == 2000
    shown = await desk.press("Answer")
    monkeypatch.setattr("fileflare_bot.interactions.reply.FAST_REPLY_SECONDS", 0.0)
    ticket = desk.bot.desk.ticket

    async def slow(*ids: int) -> Ticket:
        await asyncio.sleep(0.1)
        return await ticket(*ids)

    monkeypatch.setattr(desk.bot.desk, "ticket", slow)
    late = await desk.moderator.click(reply(shown), label="Your own words")

    assert late.modal is None
    assert reply(late).content == "**I was too slow to open the form.** Please press again."


async def test_names_stand_in_the_form_as_they_are_and_do_nothing_when_they_are_sent(desk: Desk) -> None:
    await desk.set_up()
    customer = desk.guild.add_member(desk.env.create_user("_my_*name*"))
    await save(desk, text="Hi {customer}, __this__ is for you.")
    await desk.ask_for_help(person=customer)

    shown = await desk.press("Answer")
    form = await desk.moderator.select(reply(shown), ["fixed"], custom_id=custom_id(reply(shown), ":saved"))
    assert form.modal is not None
    assert form.modal["title"] == "Answer request #1"
    assert prefilled(form) == "Hi _my_*name*, __this__ is for you."
    sent = await desk.moderator.submit_modal(form, {"words": prefilled(form)})

    said = r"Hi \_my\_\*name\*, __this__ is for you."
    assert desk.direct(customer)[0].embeds[0].description == said
    assert reply(sent).content == "Help request #1: Sent by direct message."
    assert not buttons(reply(sent)), "nobody sends it twice"


async def prefilled_with(desk: Desk, source: str, name: str) -> str:
    return prefilled(await choose(desk, source, name))


async def test_an_answer_names_the_files_that_it_is_about_and_no_other(desk: Desk) -> None:
    await desk.set_up()
    lines = desk.sample.answers[orders.USED_UP]["order"]["lines"]
    first, second = lines[0]["assets"][:2]
    first["data"]["filename"], second["limits"] = None, {"downloaded": 9, "limit": 3}
    lines.append({"product": {"name": "Poster *A1*"}, "assets": []})
    await save(desk, text="About {file}.")
    await desk.ask_for_help()

    said = [await prefilled_with(desk, "ready", name) for name in ("used_up", "more_clicks", "no_files_product")]

    assert said[0].startswith("Hello casey, there are no downloads left for Unnamed file, wallpapers-bonus.zip.")
    assert said[1].startswith("Hello casey, more clicks were counted for wallpapers-bonus.zip than")
    assert said[2].startswith("Hello casey, there are no files for Poster *A1* on order #1051.")
    assert await prefilled_with(desk, "saved", "fixed") == "About Unnamed file."


async def test_an_answer_about_nothing_that_was_found_names_no_file(desk: Desk) -> None:
    await desk.set_up()
    await desk.ask_for_help()

    said = [await prefilled_with(desk, "ready", name) for name in ("external_link", "no_files_product")]

    assert said[0].startswith("Hello casey, the link for your file leads to another website.")
    assert said[1].startswith("Hello casey, there are no files for that product on order #1051.")


async def test_three_files_are_named_and_the_others_counted(desk: Desk) -> None:
    await desk.set_up()
    assets = desk.sample.answers[orders.USED_UP]["order"]["lines"][0]["assets"]
    assets[:] = [{**assets[0], "data": {**assets[0]["data"], "id": name, "filename": name}} for name in "abcde"]
    await desk.ask_for_help()

    said = await prefilled_with(desk, "ready", "used_up")

    assert "there are no downloads left for a, b, c … and 2 more." in said


@pytest.mark.parametrize(("ready", "reminded"), [("used_up", True), ("hold", True), ("last_one", False)])
async def test_an_answer_that_passes_something_on_reminds_its_moderator_to_do_it(
    desk: Desk, ready: str, *, reminded: bool
) -> None:
    await desk.set_up()
    await desk.ask_for_help()
    choice = await desk.press("Answer")

    form = await desk.moderator.select(reply(choice), [ready], custom_id=custom_id(reply(choice), ":ready"))

    assert ("I am passing it on" in prefilled(form)) is reminded
    assert "I have asked" not in prefilled(form)
    assert form.modal is not None
    hint = form.modal["components"][0]["description"]
    assert hint.endswith("Tell the store owner yourself: I do not.") is reminded
    refused = await desk.moderator.submit_modal(form, {"words": f"Look: {orders.USED_UP}"})
    again = await desk.moderator.click(reply(refused), label="Change it")
    assert again.modal is not None
    assert again.modal["components"][0]["description"] == hint
    assert len(hint) <= 100


@pytest.mark.parametrize("customer", ["en-US", "de"])
async def test_a_saved_answer_is_filled_in_the_servers_language_and_said_to_be_sent_as_written(
    desk: Desk, customer: str
) -> None:
    desk.speaks(desk.customer, customer)
    await desk.set_up()
    await save(desk, text="Look at {order} again.")
    lookup = await desk.mydownloads(orders.USED_UP)
    label = "Hilfe holen" if customer == "de" else "Get help"
    form = await desk.customer.click(reply(lookup), label=label)
    await desk.customer.submit_modal(form, {"topic": "nothing_left", "words": "?"})

    form = await choose(desk, "saved", "fixed")

    assert prefilled(form) == "Look at order #1051 again."
    assert form.modal is not None
    said = [item["content"] for item in form.modal["components"] if "content" in item]
    assert said == (["Your text is sent as written."] if customer == "de" else [])
