"""What a customer reads when there is no list to show, and what they can do next."""

import pytest
from aiohttp import web
from desk import Desk, Log, embed, labels, reply
from doubles.faulty_fileflare import Fault

from fileflare_bot.demo import orders
from fileflare_bot.downloads import opening

WHERE = "your order confirmation email"


@pytest.mark.parametrize(
    ("pasted", "said"),
    [
        ("   ", "There was no order link in that."),
        ("1050", "That is the order number"),
        ("#1050", "That is the order number"),
        ("https://shopify.com/12345/account/orders/6789012345", "address of your customer account"),
        ("https://my-store.com/checkouts/cn/Z2NwLXVzLWVhc3Q/thank-you", "checkout or thank-you page"),
        ("https://my-store.com/products/my-new-book", "not the page of an order"),
        ("casey@example.com", "email address"),
        ("ABCD-1234-EFGH-5678", "licence key"),
        ("where are my files??", "That is not an order ID"),
    ],
)
async def test_each_wrong_kind_of_reference_is_named_and_nothing_is_sent(desk: Desk, pasted: str, said: str) -> None:
    result = await desk.mydownloads(pasted)

    assert result.ephemeral
    assert said in reply(result).content
    assert WHERE in reply(result).content
    assert labels(reply(result)) == ["Get my downloads", "Get help"]
    assert not desk.sample.requests


async def test_an_unknown_order_is_said_to_be_unknown(desk: Desk) -> None:
    result = await desk.mydownloads(orders.UNKNOWN)

    assert "Fileflare knows no order with that ID" in reply(result).content
    assert orders.UNKNOWN not in reply(result).content


async def test_an_order_without_files_says_what_that_can_mean(desk: Desk) -> None:
    result = await desk.mydownloads(orders.EMPTY)

    assert "no files on this order yet" in str(embed(result).description)
    assert "30 minutes" in str(embed(result).description)
    assert "Order #1052" in reply(result).content
    assert labels(reply(result)) == ["Refresh", "Get help"]


async def test_a_slow_fileflare_is_said_to_be_slow_and_can_be_asked_again(desk: Desk) -> None:
    desk.hold()

    result = await desk.mydownloads(orders.DOCUMENTED)
    await desk.env.advance_time(3)

    assert desk.calls() == [("POST", "callback"), ("PATCH", "original")]
    assert "Fileflare is too slow right now" in reply(result).content
    await desk.release()
    again = await desk.customer.click(reply(result), label="Try again")
    assert "5 of 10 left" in str(embed(again).description)


def _status(status: int, **headers: str) -> Fault:
    async def fault(_request: web.Request) -> web.StreamResponse:
        names = {name.replace("_", "-"): value for name, value in headers.items()}
        return web.Response(status=status, text="<html>Sorry</html>", content_type="text/html", headers=names)

    return fault


@pytest.mark.parametrize(
    ("fault", "said"),
    [
        (_status(504), "Fileflare is too slow right now"),
        (_status(500), "Fileflare cannot be reached right now"),
        (_status(503), "Fileflare cannot be reached right now"),
        (_status(200), "Fileflare sent an answer that I cannot read"),
        (_status(200), "if it stays so, tell the store's team."),
    ],
)
async def test_a_failing_fileflare_is_never_called_not_found_and_can_be_asked_again(
    desk: Desk, fault: Fault, said: str
) -> None:
    desk.sample.fault = fault

    result = await desk.mydownloads(orders.DOCUMENTED)

    assert result.ephemeral
    assert said in reply(result).content
    assert labels(reply(result)) == ["Try again", "Get help"]
    desk.sample.fault = None
    again = await desk.customer.click(reply(result), label="Try again")
    assert "5 of 10 left" in str(embed(again).description)
    assert reply(again).id == reply(result).id


async def test_our_own_bug_gives_a_number_that_is_also_in_the_log(
    desk: Desk, monkeypatch: pytest.MonkeyPatch, log: Log
) -> None:
    def broken(*_: object) -> None:
        raise RuntimeError("a bug")

    monkeypatch.setattr(opening, "OrderPages", broken)

    result = await desk.mydownloads(orders.DOCUMENTED)

    text = reply(result).content
    assert "Something went wrong on my side" in text
    assert "tell the store's team the number" in text  # in direct messages there is no server
    reference = text.split("`")[1]
    (event,) = log.events("lookup")
    assert (event["level"], event["outcome"], event["reference"]) == ("error", "bug", reference)
    assert event["exception"].endswith("\nRuntimeError")


async def test_a_button_of_an_earlier_version_gets_a_reply(desk: Desk) -> None:
    result = await desk.mydownloads(orders.EMPTY)
    stored = desk.env.backend.get_message(desk.channel.id, reply(result).id)
    stored.components[0]["components"][0]["custom_id"] = "from-an-old-version"

    pressed = await desk.customer.click(reply(result), custom_id="from-an-old-version")

    assert "no longer live" in reply(pressed).content


async def test_while_it_stops_the_bot_says_so(desk: Desk) -> None:
    assert await desk.bot.responder.drain(0.1) == 0

    result = await desk.mydownloads(orders.DOCUMENTED)

    assert "I am restarting" in reply(result).content
    assert not desk.sample.requests
