"""In a rush: how long it takes, the links without asking again, and every way out of the line."""

import re
from typing import cast

import pytest
from aiohttp import web
from desk import Desk, buttons, embed, labels, reply
from doubles.faults import status
from simcord import InteractionResult, MemberActor

from fileflare_bot import interactions
from fileflare_bot.demo import orders
from fileflare_bot.demo.orders import answer as order_answer
from fileflare_bot.demo.orders import asset
from fileflare_bot.fileflare.found import Found
from fileflare_bot.fileflare.request_queue import Place
from fileflare_bot.storage.options import LaterAccounts, Options

ONE_A_MINUTE = pytest.mark.settings(fileflare_requests_per_minute=1)
WAITS = "**Many people are asking right now.** Yours come in about 1 minute, by themselves."


@pytest.fixture(autouse=True)
def _line_is_known(desk: Desk, monkeypatch: pytest.MonkeyPatch) -> None:
    """Tell the simulator that whoever waits in the line waits for something outside."""
    come = Place.come

    async def declared(place: Place, patience: float, *, since: float | None = None) -> Found | None:
        waiting = desk.env.external_wait(come(place, patience, since=since), reason="it is not their turn")
        return cast("Found | None", await waiting)

    monkeypatch.setattr(Place, "come", declared)
    monkeypatch.setattr(interactions.reply, "FAST_REPLY_SECONDS", 0.2)  # real ones, for each who waits


async def rush(desk: Desk, people: int = 0) -> list[InteractionResult]:
    """Let people of this server ask: one is served at once, so many wait, and the next turn comes in a minute."""
    desk.env.settle_timeout = 5  # seconds; shorter than a wait in the line, which passes by advance_time()
    results = []
    for number in range(people + 1):
        token = f"0123456789abcdef{number:016x}"
        file = asset(token, "other.zip", f"{desk.sample.url}/download/{token}")
        desk.sample.answers[token] = order_answer(7, [], [file], title=None, text=None)
        person = desk.guild.add_member(desk.env.create_user(f"member{number}"))
        results.append(await desk.mydownloads(token, person=person))
    return results


def asked(desk: Desk, token: str = orders.DOCUMENTED) -> int:
    """Return how often Fileflare was asked for an order."""
    return desk.sample.requests.get(token, 0)


def calls_for(desk: Desk, result: InteractionResult) -> list[str]:
    """Return the methods of the Discord calls for one interaction."""
    token = result._interaction.token  # noqa: SLF001 - simcord shows it nowhere else
    return [request.method for request in desk.env.http_requests if token in request.path]


async def ask(desk: Desk, pasted: str = orders.DOCUMENTED, *, person: MemberActor | None = None) -> InteractionResult:
    return await desk.mydownloads(pasted, person=person)


@ONE_A_MINUTE
async def test_whoever_waits_is_told_for_how_long_and_then_has_their_links(desk: Desk) -> None:
    await rush(desk)

    result = await ask(desk)
    assert reply(result).content == f"⏳ {WAITS}\n▱▱▱▱▱▱▱▱▱▱"
    assert labels(reply(result)) == ["Leave the line"]
    assert result.ephemeral
    assert calls_for(desk, result) == ["POST"]

    await desk.env.advance_time(35)
    assert "Yours come in a moment, by themselves." in reply(result).content
    assert reply(result).content.endswith("▰▰▰▰▰▱▱▱▱▱")

    await desk.env.advance_time(27)
    assert "Order #1050" in reply(result).content
    assert "Leave the line" not in labels(reply(result))
    assert calls_for(desk, result) == ["POST", "PATCH", "PATCH"]
    assert asked(desk) == 1


@ONE_A_MINUTE
async def test_a_german_reads_it_in_german(desk: Desk) -> None:
    desk.speaks(desk.customer, "de")
    await rush(desk, people=2)

    result = await ask(desk)

    assert "Gerade fragen viele Leute." in reply(result).content
    assert "3 Minuten" in reply(result).content
    assert labels(reply(result)) == ["Warteschlange verlassen"]


@ONE_A_MINUTE
async def test_it_is_edited_only_when_there_is_something_new_to_say(desk: Desk) -> None:
    await rush(desk, people=9)

    result = await ask(desk)
    said = [reply(result).content]
    for _ in range(130):
        await desk.env.advance_time(5)
        said.append(reply(result).content)

    minutes = [int(found[1]) for text in said if (found := re.search(r"about (\d+) minute", text))]
    assert minutes == sorted(minutes, reverse=True)
    assert {*minutes} == {*range(1, 11)}
    assert "Order #1050" in said[-1]
    assert len(calls_for(desk, result)) <= 13


@ONE_A_MINUTE
async def test_leave_the_line(desk: Desk) -> None:
    await rush(desk)
    result = await ask(desk)

    await desk.customer.click(reply(result), label="Leave the line")

    assert "**You have left the line.**" in reply(result).content
    assert "Try again" in labels(reply(result))
    assert desk.bot.lookups.queue.waiting == 0
    await desk.env.advance_time(120)
    assert asked(desk) == 0

    again = await desk.customer.click(reply(result), label="Try again")
    assert "Order #1050" in reply(again).content


@ONE_A_MINUTE
async def test_whoever_asks_again_keeps_their_one_place(desk: Desk) -> None:
    await rush(desk, people=1)
    first = await ask(desk)
    behind = await ask(desk, orders.LARGE, person=desk.member)

    second = await ask(desk)

    assert reply(first).content == "**You have asked again,** so your downloads come where you asked last."
    assert labels(reply(first)) == []
    assert "about 2 minutes" in reply(second).content
    assert desk.bot.lookups.queue.waiting == 3
    await desk.env.advance_time(125)
    assert "Order #1050" in reply(second).content
    assert "Many people" in reply(behind).content


@ONE_A_MINUTE
async def test_a_user_has_a_few_places_at_most(desk: Desk) -> None:
    await rush(desk)
    for number in (1, 2, 3):
        await ask(desk, f"0123456789abcdef{number:016x}")

    result = await ask(desk)

    assert "That was a lot at once" in reply(result).content
    assert desk.bot.lookups.queue.waiting == 3


@ONE_A_MINUTE
async def test_a_guesser_who_has_to_pause_gets_no_further_turn(desk: Desk) -> None:
    desk.bot.lookups._abuse._misses_allowed = (1, 1000)  # noqa: SLF001 - one miss leads to a pause
    await rush(desk)
    first, second = await ask(desk, "a" * 32), await ask(desk, "b" * 32)

    await desk.env.advance_time(62)
    assert "knows no order" in reply(first).content
    await desk.env.advance_time(62)

    assert "Several order IDs were unknown here" in reply(second).content
    assert (asked(desk, "a" * 32), asked(desk, "b" * 32)) == (1, 0)


@ONE_A_MINUTE
async def test_many_people_with_one_order_cause_one_request(desk: Desk) -> None:
    await rush(desk, people=1)
    results = [await ask(desk, person=person) for person in (desk.customer, desk.member, desk.colleague)]

    await desk.env.advance_time(125)

    assert all("Order #1050" in reply(result).content for result in results)
    assert asked(desk) == 1
    assert desk.bot.lookups.queue.waiting == 0


@ONE_A_MINUTE
async def test_refresh_keeps_the_old_links_visible_while_it_waits(desk: Desk) -> None:
    result = await ask(desk)
    listed, embeds, labelled = reply(result).content, reply(result).embeds, labels(reply(result))
    desk.env.settle_timeout = 5
    desk.bot.lookups.refresh_seconds = 0

    refreshed = await desk.customer.click(reply(result), label="Refresh")

    waiting = reply(refreshed)
    assert waiting.content == f"{listed}\n⏳ {WAITS}\n▱▱▱▱▱▱▱▱▱▱"
    assert waiting.embeds == embeds
    assert labels(waiting) == labelled
    await desk.env.advance_time(62)
    assert "Many people" not in reply(refreshed).content
    assert asked(desk) == 2


@ONE_A_MINUTE
async def test_a_second_refresh_takes_the_place_of_the_first(desk: Desk) -> None:
    result = await ask(desk)
    desk.env.settle_timeout = 5
    desk.bot.lookups.refresh_seconds = 0
    await desk.customer.click(reply(result), label="Refresh")

    again = await desk.customer.click(reply(result), label="Refresh")

    assert desk.bot.lookups.queue.waiting == 1
    assert WAITS in reply(again).content
    assert ("POST", "followup") not in desk.calls()
    await desk.env.advance_time(62)
    assert "Many people" not in reply(again).content


@ONE_A_MINUTE
async def test_a_refresh_pressed_again_before_it_showed_anything_is_acknowledged(
    desk: Desk, monkeypatch: pytest.MonkeyPatch
) -> None:
    result = await ask(desk)
    desk.env.settle_timeout = 5
    desk.bot.lookups.refresh_seconds = 0
    monkeypatch.setattr(interactions.reply, "FAST_REPLY_SECONDS", 90)  # longer than the line: it shows nothing of it
    first = await desk.customer.click(reply(result), label="Refresh")
    assert calls_for(desk, first) == []

    await desk.customer.click(reply(result), label="Refresh")

    assert calls_for(desk, first) == ["POST"]  # or Discord says that the interaction failed


ELSEWHERE = "**You have asked again,** so your downloads come where you asked last."


@ONE_A_MINUTE
@pytest.mark.parametrize("where", ["a new command", "another reply with the order"])
async def test_a_refresh_whose_place_goes_to_another_message_shows_its_list_again_and_says_so(
    desk: Desk, where: str
) -> None:
    result, other = await ask(desk), await ask(desk)
    listed, labelled = reply(result).content, labels(reply(result))
    desk.env.settle_timeout = 5
    desk.bot.lookups.refresh_seconds = desk.bot.lookups.fresh_seconds = 0
    refreshed = await desk.customer.click(reply(result), label="Refresh")
    assert WAITS in reply(result).content

    newer = await (ask(desk) if where == "a new command" else desk.customer.click(reply(other), label="Refresh"))

    assert (reply(result).content, labels(reply(result))) == (listed, labelled)
    assert [message.content for message in refreshed.followups] == [ELSEWHERE]
    assert WAITS in reply(newer).content
    await desk.env.advance_time(62)
    assert "Order #1050" in str(reply(newer).embeds[0].description) + reply(newer).content
    assert "Many people" not in reply(newer).content


@ONE_A_MINUTE
async def test_a_second_try_whose_place_goes_to_another_message_says_so(desk: Desk) -> None:
    await rush(desk)
    result = await ask(desk)
    await desk.customer.click(reply(result), label="Leave the line")
    await desk.customer.click(reply(result), label="Try again")
    assert WAITS in reply(result).content

    newer = await ask(desk)

    assert (reply(result).content, labels(reply(result))) == (ELSEWHERE, [])
    await desk.env.advance_time(62)
    assert "Order #1050" in reply(newer).content


@ONE_A_MINUTE
async def test_a_second_try_beside_a_list_says_so_when_the_list_is_refreshed(desk: Desk) -> None:
    result = await ask(desk)
    desk.env.settle_timeout = 5
    desk.bot.lookups.refresh_seconds = 0
    waiting = [await ask(desk, f"0123456789abcdef{number:016x}") for number in (1, 2, 3)]
    refused = await desk.customer.click(reply(result), label="Refresh")
    await desk.customer.click(reply(waiting[0]), label="Leave the line")
    again = await desk.customer.click(reply(refused), label="Try again")
    assert "Many people are asking right now." in reply(again).content

    await desk.customer.click(reply(result), label="Refresh")

    assert "Many people are asking right now." not in reply(again).content
    assert [message.content for message in again.followups] == [ELSEWHERE]
    assert "Many people are asking right now." in reply(result).content


@ONE_A_MINUTE
async def test_pages_can_be_turned_while_a_refresh_waits(desk: Desk) -> None:
    result = await ask(desk, orders.LARGE)
    desk.env.settle_timeout = 5
    desk.bot.lookups.refresh_seconds = 0
    await desk.customer.click(reply(result), label="Refresh")
    following = next(found["custom_id"] for found in buttons(reply(result)) if ":next:" in found.get("custom_id", ""))

    turned = await desk.customer.click(reply(result), custom_id=following)
    page = reply(turned).embeds[0].footer.text
    await desk.env.advance_time(62)

    assert reply(turned).embeds[0].footer.text == page
    assert asked(desk, orders.LARGE) == 2


@ONE_A_MINUTE
async def test_a_refresh_that_is_refused_at_last_leaves_the_list_as_it_was(desk: Desk) -> None:
    result = await ask(desk)
    listed, embeds, labelled = reply(result).content, reply(result).embeds, labels(reply(result))
    desk.env.settle_timeout = 5
    desk.bot.lookups.refresh_seconds = 0
    refreshed = await desk.customer.click(reply(result), label="Refresh")

    desk.bot.lookups.queue.close()
    await desk.env.settle()

    assert [message.content for message in refreshed.followups][-1].startswith("**I am restarting,")
    assert reply(result).content == listed
    assert (reply(result).embeds, labels(reply(result))) == (embeds, labelled)


@ONE_A_MINUTE
async def test_a_refresh_that_finds_the_order_with_another_account_leaves_the_list_as_it_was(desk: Desk) -> None:
    options = Options(buyers_roles=True)
    await desk.had_stored(options=options)
    await ask(desk)
    result = await ask(desk, person=desk.member)
    listed = reply(result).content.partition("\n")[0]
    await desk.had_stored(options=options.model_copy(update={"later_accounts": LaterAccounts.REFUSE}))
    desk.env.settle_timeout = 5
    desk.bot.lookups.refresh_seconds = 0
    refreshed = await desk.member.click(reply(result), label="Refresh")
    assert WAITS in reply(result).content

    await desk.env.advance_time(62)

    assert refreshed.followups[-1].content.startswith("**This order is already in use by another account here.**")
    assert reply(result).content == listed
    assert "/download/" in str(reply(result).embeds[0].description)


@ONE_A_MINUTE
async def test_whose_request_fails_once_waits_for_the_next_turn(desk: Desk) -> None:
    desk.env.settle_timeout = 5
    desk.sample.fault = status(502)

    result = await ask(desk)
    desk.sample.fault = None

    assert WAITS in reply(result).content
    await desk.env.advance_time(62)
    assert "Order #1050" in reply(result).content
    assert asked(desk) == 2


@ONE_A_MINUTE
async def test_who_cannot_be_told_of_the_line_because_discord_fails_keeps_their_place(desk: Desk) -> None:
    await rush(desk)
    desk.env.inject_error("POST", "/interactions/*/callback", status=502, times=2)

    result = await ask(desk)
    await desk.env.advance_time(62)

    assert "Order #1050" in reply(result).content


@ONE_A_MINUTE
async def test_when_the_bot_stops_everybody_in_the_line_is_told_what_to_do(desk: Desk) -> None:
    await rush(desk)
    results = [await ask(desk), await ask(desk, orders.LARGE, person=desk.member)]

    desk.bot.lookups.queue.close()
    await desk.env.settle()

    for result in results:
        assert "**I am restarting, so your place in the line is gone.**" in reply(result).content
        assert labels(reply(result)) == ["Get my downloads"]
    assert "I am restarting" in reply(await ask(desk)).content


@ONE_A_MINUTE
async def test_after_a_crash_the_button_of_the_line_says_what_to_do(desk: Desk) -> None:
    await rush(desk)
    result = await ask(desk)
    await desk.restart()

    pressed = await desk.customer.click(reply(result), label="Leave the line")

    assert "**This list is no longer live.**" in reply(pressed).content


@ONE_A_MINUTE
async def test_a_rush_delays_no_moderators_check_by_more_than_a_turn(desk: Desk) -> None:
    await rush(desk, people=10)

    checked = await desk.moderator.slash(desk.support, "check", **{"order-id": orders.DOCUMENTED})
    assert WAITS in reply(checked).content
    assert labels(reply(checked)) == []
    await desk.env.advance_time(62)

    assert "Order #1050" in reply(checked).content


@ONE_A_MINUTE
async def test_a_request_that_is_filed_in_a_rush_says_that_its_order_was_not_read_and_calls_it_no_outage(
    desk: Desk,
) -> None:
    await desk.set_up()
    await rush(desk)
    form = await desk.customer.click(reply(await ask(desk, "#1050")), label="Get help")

    await desk.customer.submit_modal(form, {"topic": "other", "order": orders.DOCUMENTED, "number": " "})

    description = str(desk.card().embeds[0].description)
    assert "My turn to ask Fileflare did not come in time, so I did not read the order." in description
    assert "outage" not in description
    await desk.env.advance_time(62)
    await desk.press("Check again")
    assert "My turn" not in str(desk.card().embeds[0].description)


@ONE_A_MINUTE
async def test_a_check_whose_second_attempt_has_no_turn_in_time_waits_in_the_line_and_calls_it_no_outage(
    desk: Desk,
) -> None:
    await desk.set_up()
    desk.env.settle_timeout = 5
    desk.sample.fault = status(503)

    checked = await desk.moderator.slash(desk.support, "check", **{"order-id": orders.DOCUMENTED})
    desk.sample.fault = None

    assert WAITS in reply(checked).content
    assert not reply(checked).embeds
    await desk.env.advance_time(62)
    assert embed(checked).title == "What I found"


async def test_people_are_told_when_fileflare_is_asked_again_after_a_long_pause(desk: Desk) -> None:
    desk.env.settle_timeout = 5
    refusals = iter([{"Retry-After": "3600"}])

    async def once(request: web.Request) -> web.StreamResponse:
        headers = next(refusals, None)
        if headers is not None:
            return web.Response(status=429, headers=headers)
        return web.json_response(desk.sample.answers[request.query["id"]])

    desk.sample.fault = once

    result = await ask(desk)
    said = r"⏳ \*\*Fileflare has asked me to pause.\*\* I ask again at <t:\d+:T>, and your downloads come here"
    assert re.match(said, reply(result).content)
    await desk.env.advance_time(61)

    assert "Order #1050" in reply(result).content
    assert asked(desk) == 2


@ONE_A_MINUTE
@pytest.mark.parametrize(
    ("locale", "line"),
    [
        ("en-US", r"⏳ \*\*2 people wait for their downloads,\*\* the longest for \d+ seconds; 1 was served"),
        (
            "de",
            r"⏳ \*\*2 Leute warten auf ihre Downloads,\*\* am längsten seit \d+ Sekunden; 1 kam in der letzten Minute",
        ),
    ],
)
async def test_the_status_shows_the_line_while_there_is_one(desk: Desk, locale: str, line: str) -> None:
    desk.speaks(desk.owner, locale)
    quiet = await desk.owner.slash(desk.channel, "store status")
    assert "⏳" not in str(embed(quiet).description)
    await rush(desk, people=2)
    await desk.env.advance_time(50)

    status = await desk.owner.slash(desk.channel, "store status")

    assert re.search(line, str(embed(status).description))
