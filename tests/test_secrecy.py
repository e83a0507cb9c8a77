"""An order's ID and links are secrets: a tour of everything the bot does must leave them nowhere."""

import logging
from collections.abc import Iterator
from typing import Any

import pytest
from aiohttp import web
from desk import DeclaringClient, Desk, Log, buttons, custom_id, reply

from fileflare_bot.demo import orders
from fileflare_bot.fileflare.client import FileflareClient
from fileflare_bot.orders.models import Order
from fileflare_bot.orders.reference import OrderReference

LOOKED_UP = (
    orders.DOCUMENTED,
    orders.LARGE,
    orders.USED_UP,
    orders.EMPTY,
    orders.HOSTILE,
    orders.UNKNOWN,
    f"https://my-store.com/123/orders/{orders.DOCUMENTED}/authenticate?key=customer-key-0123456789",
    "casey@example.com",
    "ABCD-1234-EFGH-5678",
)
WITHOUT_DIGITS = "onlylettersarethisorderid"  # which looks like any word
SECRETS = (*LOOKED_UP[:6], "customer-key-0123456789", "casey@example.com", "ABCD-1234-EFGH-5678")


pytestmark = pytest.mark.limits(fresh_seconds=0, refresh_seconds=0)


async def tour(desk: Desk) -> None:
    """Look up everything, page, refresh, restart, and press expired buttons; then with a failing Fileflare."""
    await desk.owner.slash(desk.channel, "store panel")
    await desk.set_up(log=True)
    for pasted in LOOKED_UP:
        await desk.mydownloads(pasted)
        await desk.fill_in(await desk.mydownloads(), pasted)
    await help_desk(desk)
    large = await desk.mydownloads(orders.LARGE)
    turned = await desk.customer.click(reply(large), custom_id=custom_id(reply(large), ":next:"))
    await desk.customer.click(reply(turned), label="Refresh")
    for pasted in ("loop_07", *LOOKED_UP):
        asked = await desk.customer.click(reply(turned), label="Find")
        await desk.customer.submit_modal(asked, {"name": pasted[:100]})
    desk.sample.fault = _out_of_order
    failed = await desk.mydownloads(orders.DOCUMENTED)
    await desk.customer.click(reply(failed), label="Try again")
    await desk.sample.stop()
    await desk.customer.click(reply(turned), label="Refresh")
    await desk.restart()
    await desk.customer.click(reply(turned), label="Refresh")


async def help_desk(desk: Desk) -> None:
    """File a ticket with secrets in its words, and do everything that moderators can."""
    await desk.ask_for_help(words=" ".join(LOOKED_UP))
    await desk.ask_for_help(orders.HOSTILE, LOOKED_UP[6])
    await desk.press("Take")
    await desk.press("Check again")
    await desk.press("Check again", number=2)
    await desk.answers(ready="used_up", words="Hello.")
    shown = await desk.at_home.click(desk.direct()[-1], label="Write back")
    await desk.at_home.submit_modal(shown, {"words": " ".join(LOOKED_UP)})
    await desk.resolves()
    for pasted in LOOKED_UP:
        await desk.moderator.slash(desk.channel, "check", **{"order-id": pasted})
    page = await desk.moderator.slash(desk.channel, "requests open")
    (select,) = [item for item in buttons(reply(page)) if item["custom_id"] == "requests:show"]
    await desk.moderator.select(reply(page), [select["options"][0]["value"]], custom_id="requests:show")
    await desk.customer.slash(desk.channel, "privacy")


async def _out_of_order(request: web.Request) -> web.StreamResponse:
    return web.Response(status=503, text=f"out of order: {request.url}")


def texts(value: Any, key: str = "") -> Iterator[tuple[str, str]]:  # noqa: ANN401 - any payload
    """Yield every text of a payload with its key."""
    if isinstance(value, dict):
        for name, inner in value.items():
            yield from texts(inner, name)
    elif isinstance(value, list):
        for inner in value:
            yield from texts(inner, key)
    elif isinstance(value, str):
        yield key, value


async def test_a_tour_leaves_no_secret_and_no_name_where_it_does_not_belong(desk: Desk, log: Log) -> None:
    await tour(desk)

    _no_secret_is_in_a_log_line_a_public_message_or_a_custom_id(desk, log)
    _no_order_id_or_link_is_in_any_text_but_the_masked_links_and_link_buttons(desk)
    _every_mention_is_switched_off(desk)
    assert not [name for name in ("casey", "olivia", "max") if name in log.getvalue()]


def _no_secret_is_in_a_log_line_a_public_message_or_a_custom_id(desk: Desk, log: Log) -> None:
    lookups = log.events("lookup")
    assert {event["outcome"] for event in lookups} >= {
        "found", "no_files", "not_found", "down", "bad_reference.email_address", "bad_reference.licence_key"
    }  # fmt: skip
    written = log.getvalue()
    sent = [(request.path, request.json) for request in desk.env.http_requests if request.json]
    public = [json for path, json in sent if path.startswith("/channels/")]
    custom_ids = [text for _, json in sent for key, text in texts(json) if key in {"custom_id", "value"}]
    assert public
    assert len(custom_ids) > 50
    for secret in SECRETS:
        assert secret not in written
        assert secret not in repr(public)
        assert not [text for text in custom_ids if secret in text]
    assert "/download/" not in written
    assert "http" not in repr(public).replace("begins with https://", "")  # as a finding's next step says
    assert all(json["data"]["flags"] & 64 for path, json in sent if path.endswith("/callback") and json["type"] == 4)


def _no_order_id_or_link_is_in_any_text_but_the_masked_links_and_link_buttons(desk: Desk) -> None:
    for request in desk.env.http_requests:
        for key, text in texts(request.json):
            assert not [secret for secret in SECRETS if secret in text], key
            if "/download/" in text:
                assert key in {"description", "url"}


def _every_mention_is_switched_off(desk: Desk) -> None:
    sent = [request.json for request in desk.env.http_requests if request.json and "/callback" in request.path]
    messages = [json["data"] for json in sent if json["type"] in {4, 7}]
    assert messages
    assert all(message["allowed_mentions"]["parse"] == [] for message in messages)


@pytest.mark.parametrize("pasted", [WITHOUT_DIGITS, f"see https://my-store.com/account/orders/{WITHOUT_DIGITS} please"])
async def test_a_check_hides_the_order_id_wherever_it_would_be_logged(
    desk: Desk, log: Log, monkeypatch: pytest.MonkeyPatch, pasted: str
) -> None:
    async def broken(_client: FileflareClient, reference: OrderReference) -> Order:
        logging.getLogger("aiohttp.client").warning("cannot read the response for %s", reference.token)
        raise RuntimeError(f"no order in the response for {reference.token}")

    monkeypatch.setattr(DeclaringClient, "fetch_order", broken)

    await desk.moderator.slash(desk.channel, "check", **{"order-id": pasted})

    (warning,) = [event for event in log.all() if event["event"].startswith("cannot read the response")]
    (check,) = log.events("check")
    assert warning["event"] == "cannot read the response for [hidden]"
    assert check["exception"].endswith("\nRuntimeError")
    assert WITHOUT_DIGITS not in log.getvalue()


async def test_a_check_hides_a_paste_without_an_order_id_when_discord_rejects_the_reply(desk: Desk, log: Log) -> None:
    pasted = f"my-store.com/checkouts/cn/{WITHOUT_DIGITS}/thank-you"
    desk.env.inject_error("POST", "/interactions/*/callback", status=400, code=50035, message=f"wrong: {pasted}")

    await desk.moderator.slash(desk.channel, "check", **{"order-id": pasted})

    (check,) = log.events("check")
    assert "discord.errors.HTTPException (status 400, code 50035)" in check["exception"].splitlines()
    assert WITHOUT_DIGITS not in log.getvalue()


async def test_each_lookup_logs_one_event_with_its_outcome(desk: Desk, log: Log) -> None:
    await desk.mydownloads(orders.HOSTILE)

    (event,) = log.events("lookup")
    assert (event["outcome"], event["assets"], event["broken_assets"]) == ("found", 6, 1)
    assert event["guild_id"] == desk.guild.id
    assert 0 <= event["milliseconds"] < 10_000
