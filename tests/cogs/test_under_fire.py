"""Rushes, guessers and Discord's own faults, through the simulated Discord."""

import re

import pytest
from aiohttp import web
from desk import Desk, Log, embed, labels, reply
from simcord.actors import MemberActor

from fileflare_bot.app import AWAY_SECONDS, TEND_SECONDS
from fileflare_bot.demo import orders
from fileflare_bot.demo.orders import answer as order_answer
from fileflare_bot.demo.orders import asset
from fileflare_bot.fileflare.breaker import OPEN_SECONDS

CALLBACK = "/interactions/*/*/callback"
ORIGINAL = "/webhooks/*/*/messages/@original"


def people(desk: Desk, count: int) -> list[MemberActor]:
    return [desk.guild.add_member(desk.env.create_user(f"member{number}")) for number in range(count)]


def give_each_an_order(desk: Desk, count: int) -> list[str]:
    tokens = [f"0123456789abcdef{number:016x}" for number in range(count)]
    for token in tokens:
        file = asset(token, "file.zip", f"{desk.sample.url}/download/{token}")
        desk.sample.answers[token] = order_answer(1, [], [file], title=None, text=None)
    return tokens


@pytest.mark.settings(fileflare_requests_per_minute=60)
@pytest.mark.limits(longest_wait=0)
async def test_200_people_at_once_are_all_served_or_get_a_reserved_place(desk: Desk) -> None:
    crowd = people(desk, 200)
    tokens = give_each_an_order(desk, 200)

    results = await desk.all_at_once([(person, token) for person, token in zip(crowd, tokens, strict=True)])

    texts = [reply(result).content for result in results]
    answered = [text for text in texts if text.startswith("Order #1 · 1 file")]
    told = [text for text in texts if "A place is reserved for you" in text]
    assert 8 <= len(answered) < 20
    assert len(answered) + len(told) == 200
    assert len(set(told)) > 3  # each has a time of their own
    assert all(result.ephemeral for result in results)
    assert sum(desk.sample.requests.values()) == len(answered)


async def test_50_people_with_one_order_cause_one_request(desk: Desk) -> None:
    crowd = people(desk, 50)

    results = await desk.all_at_once([(person, orders.DOCUMENTED) for person in crowd])

    assert all("Order #1050" in reply(result).content for result in results)
    assert desk.sample.requests == {orders.DOCUMENTED: 1}


async def test_a_fresh_response_is_reused_and_a_refresh_asks_again_or_says_how_old_its_counts_are(desk: Desk) -> None:
    first = await desk.mydownloads(orders.DOCUMENTED)
    again = await desk.mydownloads(orders.DOCUMENTED, person=desk.member)
    assert not any("old" in str(embed(result).footer.text) for result in (first, again))
    quick = await desk.customer.click(reply(first), label="Refresh")
    assert desk.sample.requests == {orders.DOCUMENTED: 1}
    assert re.search(r"counts are (1 second|[23] seconds) old$", str(embed(quick).footer.text))

    desk.bot.lookups.refresh_seconds = 0
    anew = await desk.customer.click(reply(first), label="Refresh")
    assert "old" not in str(embed(anew).footer.text)
    await desk.mydownloads(orders.DOCUMENTED)
    assert desk.sample.requests == {orders.DOCUMENTED: 2}


@pytest.mark.limits(misses_per_user=5)
async def test_a_guesser_is_slowed_down_and_others_are_served_at_once(desk: Desk, log: Log) -> None:
    said = [reply(await desk.mydownloads(f"{number:032x}a")).content for number in range(50)]
    other = await desk.mydownloads(orders.DOCUMENTED, person=desk.member)

    assert sum(desk.sample.requests.values()) - 1 < 10
    assert all("Fileflare knows no order" in text for text in said[:5])
    assert all("Several order IDs were unknown" in text and "in 1 minute" in text for text in said[5:])
    assert "Order #1050" in reply(other).content
    assert len(log.events("guessing_suspected")) == 1


@pytest.mark.limits(misses_per_user=5)
async def test_six_accounts_that_guess_lock_nobody_else_out_of_the_server(desk: Desk, log: Log) -> None:
    assert "Fileflare knows no order" in reply(await desk.mydownloads("d" * 32, person=desk.member)).content
    assert "Order #1050" in reply(await desk.mydownloads(orders.DOCUMENTED, person=desk.member)).content
    crowd = people(desk, 6)
    for number in range(30):
        await desk.mydownloads(f"{number:032x}a", person=crowd[number % 6])

    assert len(log.events("guessing_suspected")) == 6, (
        "five of them, then the server, before the sixth has guessed enough"
    )
    for person in crowd:
        assert (
            "Several order IDs were unknown" in reply(await desk.mydownloads(orders.DOCUMENTED, person=person)).content
        )
    for person in (desk.customer, desk.member, desk.moderator):
        assert "Order #1050" in reply(await desk.mydownloads(orders.DOCUMENTED, person=person)).content
    assert "Fileflare knows no order" in reply(await desk.mydownloads("f" * 32)).content
    assert "Several order IDs were unknown" in reply(await desk.mydownloads("e" * 32)).content


@pytest.mark.limits(misses_per_user=5, refresh_seconds=0)
async def test_orders_that_were_opened_before_stay_open_to_somebody_who_is_paused(desk: Desk) -> None:
    shown = reply(await desk.mydownloads(orders.DOCUMENTED))
    await desk.customer.click(shown, label="Remember this order")
    not_remembered = reply(await desk.mydownloads(orders.USED_UP))
    for number in range(5):
        await desk.mydownloads(f"{number:032x}a")
    assert "Several order IDs were unknown" in reply(await desk.mydownloads(orders.DOCUMENTED)).content

    (choice,) = await desk.customer.autocomplete(desk.channel, "mydownloads", "order-id", "")
    assert "Order #1050" in reply(await desk.mydownloads(choice["value"])).content
    listed = reply(await desk.customer.slash(desk.channel, "myorders"))
    opened = await desk.customer.select(listed, [choice["value"].removeprefix("saved:")], custom_id="downloads:saved")
    assert "Order #1050" in reply(opened).content
    assert "Order #1051" in reply(await desk.customer.click(not_remembered, label="Refresh")).content
    assert "Several order IDs were unknown" in reply(await desk.mydownloads(orders.DOCUMENTED)).content


def denied(desk: Desk, status: int) -> None:
    async def fault(_request: web.Request) -> web.StreamResponse:
        return web.json_response({}, status=status)

    desk.sample.fault = fault


@pytest.mark.parametrize("status", [401, 403])
@pytest.mark.limits(misses_per_user=3, misses_per_guild=6)
async def test_a_fileflare_that_denies_everybody_is_away_and_nobody_is_paused(
    desk: Desk, log: Log, status: int
) -> None:
    denied(desk, status)
    crowd, tokens = people(desk, 3), give_each_an_order(desk, 12)

    said = [
        reply(await desk.mydownloads(token, person=crowd[number % 3])).content for number, token in enumerate(tokens)
    ]

    assert all("Fileflare knows no order" in text for text in said[:4])
    assert all("Fileflare cannot be reached right now" in text for text in said[4:])
    assert not log.events("guessing_suspected")
    assert [event["level"] for event in log.events("fileflare_denies_access")] == ["error"]
    desk.sample.fault = None
    assert "Order #1050" in reply(await desk.mydownloads(orders.DOCUMENTED, person=crowd[0])).content
    denied(desk, status)
    assert "Fileflare knows no order" in reply(await desk.mydownloads("f" * 32, person=crowd[1])).content


@pytest.mark.limits(misses_per_user=5)
async def test_a_guesser_whom_fileflare_denies_is_paused_all_the_same(desk: Desk, log: Log) -> None:
    denied(desk, 401)

    said = [reply(await desk.mydownloads(f"{number:032x}a")).content for number in range(8)]

    assert all("Fileflare knows no order" in text for text in said[:5])
    assert all("Several order IDs were unknown" in text for text in said[5:])
    assert not log.events("fileflare_denies_access")


@pytest.mark.limits(misses_per_user=2)
async def test_while_paused_an_order_that_exists_gets_the_same_words_as_one_that_does_not(desk: Desk) -> None:
    for number in range(2):
        await desk.mydownloads(f"{number:032x}a")

    known = await desk.mydownloads(orders.DOCUMENTED)
    unknown = await desk.mydownloads(orders.UNKNOWN)

    assert reply(known).content == reply(unknown).content
    assert labels(reply(known)) == labels(reply(unknown)) == ["Try again", "Get help"]
    assert orders.DOCUMENTED not in desk.sample.requests


@pytest.mark.limits(misses_per_user=3)
async def test_the_last_try_before_a_pause_says_so_and_in_the_pause_the_moderators_can_be_asked(desk: Desk) -> None:
    await desk.set_up()

    unknown = [await desk.mydownloads(f"{number:032x}a") for number in range(3)]
    said = [reply(each).content for each in unknown]
    paused = await desk.mydownloads(orders.USED_UP)

    assert "I take no more" not in said[0]
    assert said[1].splitlines()[:2] == [
        "**Fileflare knows no order with that ID.**",
        ("**Careful:** if the next ID is unknown too, I take no more for 1 minute. Not sure? Press **Get help**."),
    ]
    assert said[2].splitlines() == [
        "**Fileflare knows no order with that ID.**",
        (
            "**That was one unknown ID too many, so I take no more for 1 minute.** **Get help** works meanwhile: this "
            "server's team can find your order by its number."
        ),
    ]
    assert labels(reply(unknown[2])) == ["Get help"]
    shown = await desk.customer.click(reply(paused), label="Get help")
    asked = await desk.customer.submit_modal(shown, {"topic": "order_not_found", "number": "1051"})
    assert reply(asked).content.startswith("Your help request is #1.")
    assert "so I did not look up this one." in str(desk.card().embeds[0].description)
    assert orders.USED_UP not in desk.sample.requests
    await desk.press("Check again")
    assert "Order #1051" in str(desk.card().embeds[0].description)


@pytest.mark.settings(lookups_per_person=3)
async def test_a_person_who_asks_very_often_is_told_to_take_a_break(desk: Desk) -> None:
    said = [reply(await desk.mydownloads(orders.DOCUMENTED)).content for _ in range(4)]

    assert "That was a lot at once" in said[3]
    assert "in 20 seconds" in said[3]


async def test_a_passing_fault_is_tried_again_and_nobody_notices(desk: Desk) -> None:
    failures = iter([502, 503])

    async def twice(request: web.Request) -> web.StreamResponse:
        status = next(failures, None)
        if status is None:
            return web.json_response(desk.sample.answers[request.query["id"]])
        return web.Response(status=status)

    desk.sample.fault = twice

    result = await desk.mydownloads(orders.DOCUMENTED)

    assert "Order #1050" in reply(result).content
    assert desk.sample.requests == {orders.DOCUMENTED: 3}


@pytest.mark.parametrize("status", [400, 404, 418, 500, 501])
async def test_nothing_else_is_tried_again(desk: Desk, status: int) -> None:
    async def fault(_request: web.Request) -> web.StreamResponse:
        return web.Response(status=status)

    desk.sample.fault = fault

    await desk.mydownloads(orders.DOCUMENTED)

    assert desk.sample.requests == {orders.DOCUMENTED: 1}


async def test_after_repeated_failures_people_are_told_at_once_and_it_recovers_by_itself(desk: Desk, log: Log) -> None:
    async def down(_request: web.Request) -> web.StreamResponse:
        return web.Response(status=500)

    desk.sample.fault = down
    crowd, tokens = people(desk, 20), give_each_an_order(desk, 20)

    said = [
        reply(await desk.mydownloads(token, person=person)).content for person, token in zip(crowd, tokens, strict=True)
    ]

    assert all("Fileflare cannot be reached" in text for text in said)
    assert sum(desk.sample.requests.values()) == 5
    assert len(log.events("fileflare_down")) == 1
    desk.sample.fault = None
    await desk.env.advance_time(OPEN_SECONDS)
    assert "Order #1050" in reply(await desk.mydownloads(orders.DOCUMENTED)).content
    assert len(log.events("fileflare_back")) == 1


async def test_upkeep_of_the_storage_goes_on_after_a_bug(desk: Desk, log: Log, monkeypatch: pytest.MonkeyPatch) -> None:
    tend = desk.bot.storage.tend
    bugs = [ValueError(f"no such order: {orders.DOCUMENTED}"), KeyError(orders.DOCUMENTED)]
    done: list[bool] = []

    async def buggy_at_first() -> bool:
        if bugs:
            raise bugs.pop()
        done.append(True)
        return await tend()

    monkeypatch.setattr(desk.bot.storage, "tend", buggy_at_first)
    for _ in range(4):
        await desk.env.advance_time(TEND_SECONDS)

    assert len(done) == 2
    first, second = log.events("upkeep_failed")
    assert (first["level"], second["level"]) == ("error", "error")
    assert "KeyError" in first["exception"]
    assert "ValueError" in second["exception"]
    assert orders.DOCUMENTED not in log.getvalue()


async def test_a_database_that_is_away_is_tried_every_two_seconds(desk: Desk, monkeypatch: pytest.MonkeyPatch) -> None:
    tend, tries = desk.bot.storage.tend, 0

    async def away_at_first() -> bool:
        nonlocal tries
        tries += 1
        return tries > 3 and await tend()

    monkeypatch.setattr(desk.bot.storage, "tend", away_at_first)
    await desk.env.advance_time(TEND_SECONDS)
    for _ in range(4):
        await desk.env.advance_time(AWAY_SECONDS)

    assert tries == 4


@pytest.mark.parametrize(("status", "code"), [(429, 0), (500, 0), (503, 0)])
async def test_a_first_response_that_discord_drops_is_sent_again(desk: Desk, status: int, code: int) -> None:
    desk.env.inject_error("POST", CALLBACK, status=status, code=code)

    result = await desk.mydownloads(orders.DOCUMENTED)

    assert "Order #1050" in reply(result).content
    assert desk.calls() == [("POST", "callback"), ("POST", "callback")]


async def test_a_first_response_that_discord_never_answers_is_sent_again(
    desk: Desk, monkeypatch: pytest.MonkeyPatch
) -> None:
    desk.discord_is_silent(monkeypatch, "POST", CALLBACK)

    result = await desk.mydownloads(orders.DOCUMENTED)

    assert "Order #1050" in reply(result).content


async def test_a_handler_whose_call_discord_never_answers_is_no_bug(
    desk: Desk, monkeypatch: pytest.MonkeyPatch, log: Log
) -> None:
    await desk.set_up()
    message = await desk.customer.send(desk.channel, f"Here: {orders.DOCUMENTED}")
    desk.discord_is_silent(monkeypatch, "GET", "/channels/*/messages/*")

    refused = await desk.forge(f"check:delete:{desk.channel.id}:{message.id}", desk.moderator, desk.channel)

    assert reply(refused).content.startswith("**Discord had a problem, so I could not finish this.**")
    assert not [event for event in log.all() if event["level"] == "error"]


@pytest.mark.parametrize("status", [429, 502])
async def test_an_edit_that_discord_drops_is_sent_again(desk: Desk, status: int) -> None:
    desk.env.inject_error("PATCH", ORIGINAL, status=status)
    desk.hold()
    result = await desk.mydownloads(orders.DOCUMENTED)
    await desk.env.advance_time(1)
    await desk.release()

    assert "5 of 10 left" in str(embed(result).description)


@pytest.mark.parametrize(
    ("status", "code", "outcome"),
    [(404, 10062, "too_late"), (400, 40060, "already_acknowledged"), (401, 50027, "expired"), (404, 10015, "expired")],
)
async def test_an_interaction_that_is_lost_is_logged_once_and_nothing_more_is_sent(
    desk: Desk, log: Log, status: int, code: int, outcome: str
) -> None:
    desk.env.inject_error("POST", CALLBACK, status=status, code=code, times=None)

    result = await desk.mydownloads(orders.DOCUMENTED)

    assert not result.acknowledged
    assert desk.calls() == [("POST", "callback")]
    (event,) = log.events("lookup")
    assert (event["level"], event["outcome"]) == ("warning", f"undelivered.{outcome}")
    assert failures(desk, outcome) == 1


async def test_a_first_response_that_arrived_after_all_is_edited(desk: Desk) -> None:
    desk.hold()
    result = await desk.mydownloads(orders.DOCUMENTED)
    desk.env.inject_error("POST", CALLBACK, status=500)
    desk.env.inject_error("POST", CALLBACK, status=400, code=40060)
    record = desk.env.backend.interactions[max(desk.env.backend.interactions)]
    await desk.env.advance_time(1)
    assert not record.responded
    await desk.release()

    assert [call for call in desk.calls() if call[1] == "original"] == [("PATCH", "original")]
    assert result.response is None


async def test_a_discord_that_is_down_is_logged_once(desk: Desk, log: Log) -> None:
    desk.env.inject_error("POST", CALLBACK, status=503, times=None)

    await desk.mydownloads(orders.DOCUMENTED)

    (event,) = log.events("lookup")
    assert event["outcome"] == "undelivered.discord_down"


async def test_an_expired_token_at_the_edit_is_logged_once(desk: Desk, log: Log) -> None:
    desk.env.inject_error("PATCH", ORIGINAL, status=401, code=50027, times=None)
    desk.hold()
    await desk.mydownloads(orders.DOCUMENTED)
    await desk.env.advance_time(1)
    await desk.release()

    (event,) = log.events("lookup")
    assert event["outcome"] == "undelivered.expired"


async def test_a_failed_follow_up_is_logged_once(desk: Desk, log: Log) -> None:
    result = await desk.mydownloads(orders.DOCUMENTED)
    desk.bot.lookups.refresh_seconds = 0
    desk.env.inject_error("POST", "/webhooks/*/*", status=500, times=None)
    desk.hold()
    await desk.customer.click(reply(result), label="Refresh")
    await desk.env.advance_time(1)
    await desk.env.advance_time(3)
    await desk.release()

    assert [event["outcome"] for event in log.events("lookup")] == ["found", "undelivered.discord_down"]
    assert "5 of 10 left" in str(embed(result).description)


async def test_a_reply_that_discord_rejects_is_reported_as_our_bug(desk: Desk, log: Log) -> None:
    desk.env.inject_error("POST", CALLBACK, status=400, code=50035)

    result = await desk.mydownloads(orders.DOCUMENTED)

    assert "Something went wrong on my side" in reply(result).content
    (event,) = log.events("lookup")
    assert event["outcome"] == "bug"


def failures(desk: Desk, kind: str) -> float:
    return desk.bot.metrics.registry.get_sample_value("fileflare_bot_discord_failures_total", {"kind": kind}) or 0
