"""A screenshot that a customer attaches: who sees it, what of it stays, and what is said if it gets nowhere."""

from dataclasses import replace
from typing import Any, Final

import discord
import pytest
from desk import Desk, Log, reply
from simcord.backend.cdn import CDN_BASE
from simcord.results import InteractionResult
from storage.samples import new_ticket

from fileflare_bot.demo import orders
from fileflare_bot.storage.records import Filed
from fileflare_bot.tickets import screenshots
from fileflare_bot.tickets.screenshots import Screenshot

PNG: Final = b"\x89PNG\r\n\x1a\n" + b"the picture" * 10
PICTURES: Final = {
    "picture.png": PNG,
    "picture.jpg": b"\xff\xd8\xff\xe0 the picture",
    "picture.gif": b"GIF89a the picture",
    "picture.webp": b"RIFF\x10\0\0\0WEBP the picture",
}
SENT: Final = "Your screenshot is with it."
UNUSABLE: Final = "Your screenshot is not with it: it must be a PNG, JPEG, GIF or WebP picture of at most 8 MB."
NOT_TAKEN: Final = "I left out your screenshot: this store no longer accepts screenshots."
NOT_CONFIRMED: Final = (
    "I could not confirm that the moderators see your screenshot. If they ask for it, press **Get help**"
)
ASK_AGAIN: Final = "has attached a screenshot that I could not post, and I keep none. Ask for it again"


@pytest.fixture(autouse=True)
def _cdn(monkeypatch: pytest.MonkeyPatch) -> None:
    """Take the simulated Discord's CDN for Discord's."""
    monkeypatch.setattr(screenshots, "CDN", (f"{CDN_BASE}/",))


async def set_up(desk: Desk, *, on: bool = True) -> None:
    page = await desk.set_up()
    if on:
        await desk.owner.click(reply(page), custom_id="store_setup:toggle:help_screenshots:on")


async def form(desk: Desk, token: str = orders.USED_UP) -> InteractionResult:
    return await desk.customer.click(reply(await desk.mydownloads(token)), label="Get help")


async def attach(
    desk: Desk,
    name: str = "picture.png",
    content: bytes = PNG,
    *,
    words: str = "See this.",
    token: str = orders.USED_UP,
) -> str:
    """Ask for help with a screenshot, and return what the customer reads."""
    values: dict[str, Any] = {"topic": "nothing_left", "words": words, "screenshot": (name, content)}
    return reply(await desk.customer.submit_modal(await form(desk, token), values)).content


def uploads(shown: InteractionResult) -> list[dict[str, Any]]:
    assert shown.modal is not None
    labels = [each for each in shown.modal["components"] if each.get("component", {}).get("type") == 19]
    return [{"label": each["label"], "description": each["description"], **each["component"]} for each in labels]


def pictures(desk: Desk) -> list[discord.Attachment]:
    """Return every attachment that is anywhere but in what the customer has sent themselves."""
    places = [desk.channel, desk.support, desk.log_channel, *desk.support.threads]
    return [each for place in places for message in place.history() for each in message.attachments]


@pytest.mark.parametrize(("name", "content"), PICTURES.items())
async def test_a_screenshot_is_posted_into_the_thread_as_a_spoiler_under_a_name_of_the_bots(
    desk: Desk, name: str, content: bytes
) -> None:
    await set_up(desk)

    said = await attach(desk, f"{orders.USED_UP}-{name}", content)

    assert said.startswith("Your help request is #1.")
    assert SENT in said
    (posted,) = pictures(desk)
    assert posted in [each for message in desk.thread().history() for each in message.attachments]
    assert posted.filename.startswith("SPOILER_screenshot.")
    assert desk.env.backend.cdn.get(posted.url) == content
    assert desk.notes() == [f"🖼️ <@{desk.customer.id}> has attached a screenshot:"]


async def test_the_form_says_in_the_customers_language_what_a_screenshot_can_give_away(desk: Desk) -> None:
    await set_up(desk)

    (english,) = uploads(await form(desk))
    desk.speaks(desk.customer, "de")
    shown = await desk.customer.click(reply(await desk.mydownloads(orders.USED_UP)), label="Hilfe holen")
    (german,) = uploads(shown)

    assert english["description"] == "The moderators see it. Cut off the address bar: it can show your order link."
    assert german["description"] == (
        "Die Moderatoren sehen ihn. Schneide die Adresszeile ab: Sie kann deinen Bestelllink zeigen."
    )
    assert (english["required"], english["max_values"]) == (False, 1)


async def test_with_everything_asked_the_form_has_the_five_parts_that_discord_takes(desk: Desk) -> None:
    await set_up(desk)

    shown = await form(desk, "#1050")

    assert shown.modal is not None
    assert [each["component"]["custom_id"] for each in shown.modal["components"]] == [
        *("number", "topic", "order", "words", "screenshot")
    ]


async def test_the_owner_is_warned_and_it_is_off_at_first(desk: Desk) -> None:
    page = await desk.set_up()

    assert "**Screenshots.** Customers can attach one" in str(reply(page).components)
    assert "Its address bar can show your moderators the order link" in str(reply(page).components)
    assert uploads(await form(desk)) == []


@pytest.mark.parametrize("why", ["off", "public"])
async def test_where_it_is_off_or_everybody_reads_the_channel_none_is_asked_for_and_none_is_posted(
    desk: Desk, why: str
) -> None:
    await set_up(desk)
    shown = await form(desk)
    if why == "off":
        page = await desk.owner.slash(desk.channel, "store setup")
        await desk.owner.click(reply(page), custom_id="store_setup:toggle:help_screenshots:off")
    else:
        desk.support = desk.guild.create_text_channel("open-support")
        await desk.had_stored(support_channel_id=desk.support.id)

    values: dict[str, Any] = {"topic": "other", "screenshot": ("picture.png", PNG)}
    said = reply(await desk.customer.submit_modal(shown, values)).content

    assert uploads(await form(desk)) == []
    assert pictures(desk) == []
    assert SENT not in said
    assert (NOT_CONFIRMED in said) is (why == "public")
    assert (NOT_TAKEN in said) is (why == "off")
    assert [ASK_AGAIN in note for note in desk.notes()] == [True] * (why == "public")


@pytest.mark.parametrize(
    ("name", "content"),
    [
        ("picture.png", b"<svg onload=alert(1)>"),
        ("picture.png", b"MZ\x90\0" * 100),
        ("picture.png", b""),
        ("picture.jpg", PNG),
        ("page.html", b"\x89PNG\r\n\x1a\n"),
        ("picture.svg", b"<svg/>"),
        ("archive.zip", b"PK\x03\x04"),
        ("picture.png", PNG + b"\0" * screenshots.LARGEST),
    ],
)
async def test_what_is_no_picture_or_too_large_is_not_posted_and_everybody_is_told(
    desk: Desk, name: str, content: bytes
) -> None:
    await set_up(desk)

    said = await attach(desk, name, content)

    assert said.startswith("Your help request is #1.")
    assert UNUSABLE in said
    assert pictures(desk) == []
    (note,) = desk.notes()
    assert ASK_AGAIN in note


@pytest.mark.parametrize(
    "url",
    [
        "http://169.254.169.254/latest/meta-data",
        "https://evil.example/picture.png",
        f"{CDN_BASE}.evil.example/picture.png",
        f"{CDN_BASE}@evil.example/picture.png",
        "file:///etc/passwd",
        "",
    ],
)
async def test_nothing_but_discords_cdn_is_fetched(desk: Desk, monkeypatch: pytest.MonkeyPatch, url: str) -> None:
    await set_up(desk)
    fetched: list[str] = []

    async def fetch(url: str) -> bytes:
        fetched.append(url)
        return PNG

    monkeypatch.setattr(desk.bot.http, "get_from_cdn", fetch)
    shown = await form(desk)
    assert shown.modal is not None
    file = {"id": "7", "filename": "picture.png", "size": 10, "url": url, "content_type": "image/png"}

    said = await submit_forged(desk, shown.modal["custom_id"], ["7"], {"7": file})

    assert fetched == []
    assert UNUSABLE in said


async def test_a_file_that_discord_does_not_know_is_none(desk: Desk) -> None:
    await set_up(desk)
    shown = await form(desk)
    assert shown.modal is not None

    said = await submit_forged(desk, shown.modal["custom_id"], ["7"], {})

    assert said.startswith("Your help request is #1.")
    assert "screenshot" not in said


async def submit_forged(desk: Desk, custom_id: str, values: list[str], attachments: dict[str, Any]) -> str:
    upload = {"type": 19, "custom_id": "screenshot", "values": values}
    topic = {"type": 21, "custom_id": "topic", "value": "other"}
    data = {
        "custom_id": custom_id,
        "components": [{"type": 18, "component": each} for each in (topic, upload)],
        "resolved": {"attachments": attachments},
    }
    return reply(await desk.forge_data(data, desk.customer, desk.channel)).content


async def test_a_file_that_is_gone_is_told_and_the_moderators_are_to_ask_again(
    desk: Desk, log: Log, monkeypatch: pytest.MonkeyPatch
) -> None:
    await set_up(desk)
    monkeypatch.setattr(desk.env.backend.cdn, "get", lambda _url: None)

    said = await attach(desk)

    assert NOT_CONFIRMED in said
    (note,) = desk.notes()
    assert ASK_AGAIN in note
    assert log.events("screenshot_not_read")


@pytest.mark.parametrize("status", [403, 503])
async def test_what_the_thread_does_not_take_is_told_and_asked_for_again_as_soon_as_it_can(
    desk: Desk, status: int
) -> None:
    await set_up(desk)
    await desk.ask_for_help()
    thread = f"/channels/{desk.thread().id}/messages"
    desk.env.inject_error("POST", thread, status=status, code=50013, times=None)

    said = await attach(desk, words="")
    assert NOT_CONFIRMED in said
    assert desk.notes() == []
    desk.env.backend.faults.clear()
    await desk.later()
    await desk.later()

    (note,) = desk.notes()
    assert ASK_AGAIN in note
    assert pictures(desk) == []


async def test_while_there_is_no_card_yet_the_picture_is_not_kept_for_it(desk: Desk) -> None:
    await set_up(desk)
    desk.env.inject_error("POST", f"/channels/{desk.support.id}/messages", status=503, times=None)

    said = await attach(desk)
    assert said.startswith("Your help request is saved as #1. I could not confirm yet")
    assert NOT_CONFIRMED in said
    desk.env.backend.faults.clear()
    await desk.later()

    (note,) = desk.notes()
    assert ASK_AGAIN in note
    assert pictures(desk) == []


async def test_beside_a_card_without_a_thread_no_picture_is_posted(desk: Desk) -> None:
    await set_up(desk)
    desk.env.inject_error("POST", "/channels/*/messages/*/threads", status=400, code=160006, times=None)

    said = await attach(desk)

    assert NOT_CONFIRMED in said
    assert pictures(desk) == []
    last = desk.support.last_message
    assert last is not None
    assert ASK_AGAIN in str(last.embeds[0].description)


async def test_after_a_restart_in_between_the_thread_says_to_ask_again(desk: Desk) -> None:
    """The process ends after the request is stored, and before anything is posted."""
    await set_up(desk)
    storage, guild_id = desk.bot.storage, desk.guild.id
    new = new_ticket(desk.customer.id, guild_id=guild_id)
    note = await desk.bot.desk._screenshot_note(new, Screenshot())  # noqa: SLF001 - up to where it is killed
    await storage.tickets.file(new, screenshot_note=note)

    await desk.restart()
    await desk.bot.reconciler.run()
    await desk.env.settle()
    assert desk.notes() == []  # another process may still post the picture
    await desk.later()

    (shown,) = desk.notes()
    assert ASK_AGAIN in shown


async def test_a_screenshot_goes_with_the_request_and_is_nowhere_else(desk: Desk) -> None:
    await set_up(desk)
    await attach(desk)
    thread_id = desk.thread().id

    shown = await desk.customer.slash(desk.channel, "privacy")
    sure = await desk.customer.click(reply(shown), label="Delete it")
    await desk.customer.click(reply(sure), label="Delete for good")

    assert thread_id not in desk.env.backend.channels
    assert pictures(desk) == []


async def test_a_second_screenshot_is_added_to_the_open_request(desk: Desk) -> None:
    await set_up(desk)
    await attach(desk)

    said = await attach(desk, "picture.gif", PICTURES["picture.gif"], words="")

    assert said.startswith("You asked about this before, and help request #1 is still open.")
    assert SENT in said
    assert len(pictures(desk)) == 2


async def test_who_presses_again_after_a_failure_has_the_same_picture_there_once(desk: Desk) -> None:
    await set_up(desk)
    await attach(desk)

    assert SENT in await attach(desk)

    assert len(pictures(desk)) == 1


@pytest.mark.settings(help_a_day_per_person=1)
async def test_screenshots_have_the_limit_of_writing_back(desk: Desk) -> None:
    await set_up(desk)
    await attach(desk)
    for number in range(1, 11):
        assert SENT in await attach(desk, content=PNG + b"!" * number, words="")

    assert (await attach(desk, words="")).startswith(
        "**You have written to the moderators as often as you can in a day.**"
    )
    assert len(pictures(desk)) == 11


async def test_without_the_permission_the_setup_page_says_so(desk: Desk) -> None:
    overwrite = discord.PermissionOverwrite(view_channel=True, attach_files=False)
    me = desk.env.bot.user
    assert me is not None
    hidden = discord.PermissionOverwrite(view_channel=False)
    overwrites: Any = {desk.guild.default_role: hidden, me: overwrite}
    desk.support = desk.guild.create_text_channel("strict", overwrites=overwrites)
    page = await desk.set_up()
    assert "Attach Files" not in str(reply(page).components)

    await desk.owner.click(reply(page), custom_id="store_setup:toggle:help_screenshots:on")

    page = await desk.owner.slash(desk.channel, "store setup")
    assert "I lack these permissions there: Attach Files." in str(reply(page).components)


async def test_everybody_reads_what_became_of_a_screenshot_in_german_too(
    desk: Desk, monkeypatch: pytest.MonkeyPatch
) -> None:
    await desk.set_up()
    desk.speaks(desk.owner, "de")
    page = await desk.owner.slash(desk.channel, "store setup")
    assert "**Screenshots.** Kunden können einer Hilfeanfrage einen anhängen." in str(reply(page).components)
    await desk.owner.click(reply(page), custom_id="store_setup:toggle:help_screenshots:on")
    await desk.owner.select(reply(page), ["de"], custom_id="store_setup:language")
    desk.speaks(desk.customer, "de")

    async def attach_in_german(content: bytes) -> str:
        shown = await desk.customer.click(reply(await desk.mydownloads(orders.USED_UP)), label="Hilfe holen")
        values: dict[str, Any] = {"topic": "other", "screenshot": ("picture.png", content)}
        return reply(await desk.customer.submit_modal(shown, values)).content

    assert (await attach_in_german(PNG)).endswith("\nDein Screenshot ist dabei.")
    assert "\nDein Screenshot ist nicht dabei: Er muss ein Bild im Format PNG" in await attach_in_german(b"none")
    monkeypatch.setattr(desk.env.backend.cdn, "get", lambda _url: None)
    assert "\nIch konnte nicht bestätigen, dass die Moderatoren deinen Screenshot" in await attach_in_german(PNG)

    posted, missing, again = desk.notes()
    assert posted == f"🖼️ <@{desk.customer.id}> hat einen Screenshot angehängt:"
    assert missing == again
    assert "hat einen Screenshot angehängt, den ich nicht posten konnte, und ich behalte keinen." in missing


async def test_a_second_screenshot_while_the_first_one_is_on_its_way_is_posted_too(
    desk: Desk, monkeypatch: pytest.MonkeyPatch
) -> None:
    await set_up(desk)
    await desk.ask_for_help()
    shown = await form(desk)
    filed, said = desk.bot.storage.tickets.file, [""]

    async def file(*given: Any, **more: Any) -> Filed:  # noqa: ANN401 - of the method that it stands for
        first = await filed(*given, **more)
        monkeypatch.setattr(desk.bot.storage.tickets, "file", filed)
        new = replace(given[0], details=replace(given[0].details, words=""))
        gif = Screenshot("image/gif", PICTURES["picture.gif"])
        second = await desk.bot.desk.file(new, name="casey", screenshot=gif)
        assert second.existing
        said[0] = gif.outcome
        return first

    monkeypatch.setattr(desk.bot.storage.tickets, "file", file)
    values: dict[str, Any] = {"topic": "nothing_left", "words": "", "screenshot": ("picture.png", PNG)}
    first = await desk.customer.submit_modal(shown, values)

    assert SENT in reply(first).content
    assert said == [SENT]
    assert sorted(each.filename.rpartition(".")[2] for each in pictures(desk)) == ["gif", "png"]
    assert not any(ASK_AGAIN in note for note in desk.notes())
