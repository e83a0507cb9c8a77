"""A help request from the first press to the last, as the customer and the moderators see it."""

import pytest
from desk import Desk, answer, labels

from fileflare_bot.demo import orders


@pytest.fixture(autouse=True)
def _ask_every_time(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr("fileflare_bot.fileflare.lookups.FRESH_SECONDS", 0)
    monkeypatch.setattr("fileflare_bot.fileflare.lookups.REFRESH_SECONDS", 0)


async def test_a_download_issue_is_resolved_without_leaving_discord(desk: Desk) -> None:
    await desk.set_up(log=True)

    asked = await desk.ask_for_help()
    assert answer(asked).ephemeral
    assert answer(asked).content.startswith("Your help request is #1.")
    card = desk.card()
    assert "**Open.** Nobody has taken it yet." in str(card.embeds[0].description)
    assert "wallpapers.zip: no downloads left (3 of 3 used)" in str(card.embeds[0].description)
    assert "Override global limitations" in str(card.embeds[0].description)
    assert "> It says there is nothing left." in str(card.embeds[0].description)
    assert labels(card) == ["Take", "Check again", "Answer", "Resolve"]

    taken = await desk.press("Take")
    assert answer(taken).content == "Help request #1 is yours now."
    assert f"**Taken** by <@{desk.moderator.id}>" in str(desk.card().embeds[0].description)
    assert labels(desk.card()) == ["Hand over", "Check again", "Answer", "Resolve"]

    desk.sample.answers[orders.USED_UP]["order"]["lines"][0]["assets"][0]["limits"]["limit"] = 10
    checked = await desk.press("Check again")
    assert "No longer: wallpapers.zip: no downloads left" in answer(checked).content
    assert "wallpapers.zip" not in str(desk.card().embeds[0].description)

    answered = await desk.answers(ready=["raised"], words="Have fun!")
    assert answer(answered).content == "Sent by direct message."
    (message,) = desk.direct()
    assert message.embeds[0].title == "Answer to your help request #1"
    assert "the count of **wallpapers-bonus.zip** was raised" in str(message.embeds[0].description)
    assert str(message.embeds[0].description).endswith("Have fun!")
    assert labels(message) == ["Write back", "It is solved"]

    shown = await desk.at_home.click(message, label="Write back")
    sent = await desk.at_home.submit_modal(shown, {"words": "Thank you, it works."})
    assert answer(sent).content == "The moderators have it: help request #1."
    assert desk.notes()[-1] == f"<@{desk.customer.id}> writes:\n> Thank you, it works."

    closed = await desk.resolves("mended", "Goodbye!")
    assert "Help request #1 is closed." in answer(closed).content
    assert "**Resolved** by" in str(desk.card().embeds[0].description)
    assert labels(desk.card()) == ["Reopen"]
    assert desk.direct()[-1].embeds[0].title == "Help request #1 is closed"
    assert str(desk.direct()[-1].embeds[0].description) == "The download works again.\n\nGoodbye!"

    reopened = await desk.press("Reopen")
    assert answer(reopened).content == "Help request #1 is open again."
    assert labels(desk.card()) == ["Hand over", "Check again", "Answer", "Resolve"]
    assert [str(line.embeds[0].description).split(">", 1)[1] for line in desk.log_channel.history()][-3:] == [
        " wrote back in request #1.",
        " resolved request #1.",
        " reopened request #1.",
    ]
