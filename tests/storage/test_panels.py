"""What is remembered of the panels, on SQLite and PostgreSQL."""

import pytest
import sqlalchemy as sa
from storage.samples import GUILD, MODERATOR, execute

from fileflare_bot.storage.database import utc_now
from fileflare_bot.storage.models import PanelRow
from fileflare_bot.storage.options import Options, Wording
from fileflare_bot.storage.panels import MOST_PANELS
from fileflare_bot.storage.records import Panel
from fileflare_bot.storage.storage import Storage

CHANNEL = 7
MESSAGE = 2**62 + 7


async def posted(storage: Storage, message_id: int = MESSAGE) -> Panel:
    """Post a panel, and return it."""
    panel_id = await storage.panels.want(GUILD, CHANNEL, "de", utc_now())
    panel = await storage.panels.get(panel_id)
    assert panel is not None
    await storage.panels.shown(panel, message_id)
    (found,) = [panel for panel in await storage.panels.of_guild(GUILD) if panel.message_id == message_id]
    return found


async def word(storage: Storage, title: str) -> None:
    def worded(options: Options) -> Options:
        return options.model_copy(update={"wording": Wording(title=title)})

    await storage.guilds.change_options(GUILD, MODERATOR, worded)


async def test_a_panel_is_wanted_once_until_it_is_posted_and_is_not_due_at_once(storage: Storage) -> None:
    first = await storage.panels.want(GUILD, CHANNEL, "de", utc_now())
    assert await storage.panels.want(GUILD, CHANNEL, "de", utc_now()) == first
    assert await storage.panels.want(GUILD, CHANNEL + 1, "de", utc_now()) != first
    assert await storage.panels.due() == []

    panel = await posted(storage)

    assert (panel.id, panel.locale, panel.due, panel.failed) == (first, "de", False, False)
    assert await storage.panels.want(GUILD, CHANNEL, "de", utc_now()) != first


async def test_what_a_panel_shows_makes_it_due_in_the_same_transaction_and_nothing_else_does(storage: Storage) -> None:
    panel = await posted(storage)
    await storage.guilds.change(GUILD, MODERATOR, log_channel_id=8)
    assert await storage.panels.due() == []

    await word(storage, "Your books")

    assert await storage.panels.due() == [panel.id]
    (due,) = await storage.panels.of_guild(GUILD)
    assert due.options.wording.title == "Your books"


async def test_a_change_while_a_panel_is_being_changed_stays_due(storage: Storage) -> None:
    panel = await posted(storage)
    await word(storage, "First")
    read = await storage.panels.get(panel.id)
    assert read is not None
    await word(storage, "Second")

    await storage.panels.shown(read, MESSAGE)

    assert await storage.panels.due() == [panel.id]


async def test_a_panel_that_was_posted_before_a_change_that_it_waited_for_is_changed_afterwards(
    storage: Storage,
) -> None:
    panel_id = await storage.panels.want(GUILD, CHANNEL, "de", utc_now())
    await word(storage, "Second")  # the response to the first try was lost
    read = await storage.panels.get(panel_id)
    assert read is not None
    await storage.panels.shown(read, MESSAGE)

    assert await storage.panels.due() == [panel_id]
    read = await storage.panels.get(panel_id)
    assert read is not None
    await storage.panels.shown(read, MESSAGE)
    assert await storage.panels.due() == []


async def test_a_message_is_one_panel_however_it_became_known(storage: Storage) -> None:
    panel = await posted(storage)

    assert (await posted(storage)).id == panel.id
    assert await storage.panels.learn(GUILD, CHANNEL, MESSAGE, "en") is None
    learned = await storage.panels.learn(GUILD, CHANNEL, MESSAGE + 1, "en")

    assert [each.id for each in await storage.panels.of_guild(GUILD)] == [panel.id, learned]
    assert await storage.panels.due() == [learned]


async def test_a_panel_that_was_learned_before_it_was_recorded_takes_the_older_one_down_too(storage: Storage) -> None:
    older = await posted(storage)
    newer = await storage.panels.get(await storage.panels.want(GUILD, CHANNEL, "de", utc_now()))
    assert newer is not None
    learned = await storage.panels.learn(GUILD, CHANNEL, MESSAGE + 1, "en")

    await storage.panels.shown(newer, MESSAGE + 1)

    assert {*await storage.panels.due()} == {older.id, learned}
    assert [each.replaced for each in await storage.panels.of_guild(GUILD)] == [True, False]


async def test_what_fails_is_tried_later_and_what_is_given_up_waits_for_the_next_change(storage: Storage) -> None:
    panel = await posted(storage)
    await word(storage, "Your books")

    await storage.panels.postponed(panel.id)
    assert await storage.panels.due() == []
    (later,) = await storage.panels.of_guild(GUILD)
    assert (later.due, later.failed) == (True, True)
    await storage.panels.given_up(panel.id)
    (given_up,) = await storage.panels.of_guild(GUILD)
    assert (given_up.due, given_up.failed) == (False, True)
    await word(storage, "All books")
    assert await storage.panels.due() == [panel.id]


@pytest.mark.parametrize("days", [30, -1])
async def test_the_panels_of_a_server_that_the_bot_has_left_wait_and_are_deleted_with_its_data(
    storage: Storage, url: str, days: int
) -> None:
    await posted(storage)
    await word(storage, "Your books")
    await storage.guilds.left(GUILD, at=utc_now())
    await execute(url, sa.update(PanelRow).values(attempts=0))

    deleted = await storage.retention.delete_left_guilds(days)

    assert await storage.panels.due() == []
    assert len(await storage.panels.of_guild(GUILD)) == 1 - len(deleted)


async def test_only_the_newest_panels_of_a_server_are_remembered(storage: Storage) -> None:
    for number in range(MOST_PANELS):
        await storage.panels.learn(GUILD, CHANNEL, number + 1, "en")

    await posted(storage)

    known = [panel.message_id for panel in await storage.panels.of_guild(GUILD)]
    assert known == [*range(2, MOST_PANELS + 1), MESSAGE]


async def test_a_newer_panel_in_a_channel_makes_the_older_due_to_be_taken_down(storage: Storage) -> None:
    old = await posted(storage)

    new = await posted(storage, MESSAGE + 1)

    assert await storage.panels.due() == [old.id]
    assert not new.replaced
    replaced = await storage.panels.get(old.id)
    assert replaced is not None
    assert replaced.replaced
    assert replaced.wanted_at > old.wanted_at
