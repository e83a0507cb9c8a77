"""Who has left a server, or was banned from it, writes to its moderators no more: not by direct message either."""

import asyncio

import pytest
from desk import Desk, labels, reply
from simcord.results import InteractionResult

NOT_SENT = "**You are not in that server any more, so nothing was done.** Join it again, then try once more."


@pytest.fixture
async def answered(desk: Desk) -> Desk:
    """A desk whose customer has an answer to a help request."""
    await desk.set_up()
    await desk.ask_for_help()
    await desk.answers(words="Try again, please.")
    return desk


async def write_back(desk: Desk, words: str) -> str:
    shown = await desk.at_home.click(desk.direct()[0], label="Write back")
    return told(await desk.at_home.submit_modal(shown, {"words": words}))


async def solve(desk: Desk) -> str:
    return told(await desk.at_home.click(desk.direct()[0], label="It is solved"))


def told(result: InteractionResult) -> str:
    """Return the words of a reply, which may follow a change of the pressed message."""
    return str((result.followups or [reply(result)])[-1].content)


@pytest.mark.parametrize("banned", [False, True])
async def test_who_has_left_or_was_banned_is_refused_and_nothing_reaches_the_moderators(
    answered: Desk, *, banned: bool
) -> None:
    desk = answered
    if banned:
        desk.env.backend.apply_ban(desk.guild.id, desk.customer.id, None)
    else:
        desk.guild.remove_member(desk.customer)
    await desk.env.settle()
    notes, calls = desk.notes(), len(desk.env.http_requests)

    wrote, solved = await write_back(desk, "I will be back!"), await solve(desk)

    assert wrote.startswith(NOT_SENT)
    assert "\n> I will be back!" in wrote
    assert solved == NOT_SENT
    assert desk.notes() == notes
    assert labels(desk.card())[0] == "Hand over"
    posted = [call.path for call in desk.env.http_requests[calls:] if call.method == "POST"]
    assert all(path.endswith("/callback") for path in posted)
    desk.guild.add_member(desk.at_home)
    if not banned:
        assert await write_back(desk, "I am back.") == "The moderators have it: help request #1."


@pytest.mark.parametrize("status", [403, 429, 500, 503])
async def test_a_fault_of_discord_refuses_nobody(answered: Desk, status: int) -> None:
    desk = answered
    desk.env.inject_error("GET", "/guilds/*/members/*", status=status, times=None)

    assert await write_back(desk, "Hello?") == "The moderators have it: help request #1."
    assert desk.notes()[-1].endswith("> Hello?")
    assert (await solve(desk)).startswith("Good to hear!")


async def test_a_silent_discord_refuses_nobody(answered: Desk, monkeypatch: pytest.MonkeyPatch) -> None:
    desk = answered

    async def silent(*_ids: int) -> None:
        await asyncio.sleep(3600)  # of the simulated time

    monkeypatch.setattr(desk.bot.http, "get_member", silent)

    assert await write_back(desk, "Hello?") == "The moderators have it: help request #1."
