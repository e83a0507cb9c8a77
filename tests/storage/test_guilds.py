"""Servers' settings and saved answers."""

import asyncio
from collections.abc import AsyncIterator

import pytest
from storage.samples import COLLEAGUE, ELSEWHERE, GUILD, MODERATOR, settings

from fileflare_bot.storage.errors import NameTaken, NoSuchCannedAnswer, StorageUnavailable, TooManyCannedAnswers
from fileflare_bot.storage.guilds import MOST_CANNED_ANSWERS
from fileflare_bot.storage.records import Action, CannedAnswer, GuildSettings
from fileflare_bot.storage.storage import Storage, open_storage


@pytest.fixture
async def another(storage: Storage, url: str) -> AsyncIterator[Storage]:
    """A second process's storage on the same database."""
    assert storage.available
    async with open_storage(settings(url)) as opened:
        yield opened


async def test_before_the_start_no_server_is_known(url: str) -> None:
    storage = Storage(settings(url))

    with pytest.raises(StorageUnavailable):
        storage.guilds.get(GUILD)

    await storage.start()
    assert storage.guilds.get(GUILD) == GuildSettings(GUILD)
    await storage.close()


async def test_a_server_keeps_what_is_set_and_only_that(storage: Storage) -> None:
    await storage.guilds.change(GUILD, MODERATOR, support_channel_id=2**62, moderator_role_ids=(2**61, 5))
    changed = await storage.guilds.change(GUILD, COLLEAGUE, log_channel_id=3, ping_role_id=4)

    assert changed == GuildSettings(GUILD, 2**62, 3, 4, (2**61, 5))
    assert storage.guilds.get(GUILD) == changed
    assert storage.guilds.get(ELSEWHERE) == GuildSettings(ELSEWHERE)
    cleared = await storage.guilds.change(GUILD, MODERATOR, ping_role_id=None, moderator_role_ids=())
    assert cleared == GuildSettings(GUILD, 2**62, 3)
    traces = await storage.audit.entries(GUILD)
    assert [(trace.actor_id, trace.action, trace.number) for trace in traces] == [
        (actor, Action.CHANGED_SETUP, None) for actor in (MODERATOR, COLLEAGUE, MODERATOR)
    ]


async def test_what_is_set_is_there_after_a_restart(storage: Storage, url: str) -> None:
    await storage.guilds.change(GUILD, MODERATOR, log_channel_id=3)
    await storage.guilds.add_canned_answer(GUILD, MODERATOR, CannedAnswer("hi", "Hello {name}"))

    async with open_storage(settings(url)) as again:
        assert again.guilds.get(GUILD) == storage.guilds.get(GUILD)
        assert again.guilds.get(GUILD).canned_answers == (CannedAnswer("hi", "Hello {name}"),)


async def test_another_process_sees_a_change_after_it_has_tended_its_storage(
    storage: Storage, another: Storage
) -> None:
    await storage.guilds.change(GUILD, MODERATOR, log_channel_id=3)
    await storage.guilds.add_canned_answer(GUILD, MODERATOR, CannedAnswer("hi", "Hello"))
    assert another.guilds.get(GUILD) == GuildSettings(GUILD)

    await another.tend()

    assert another.guilds.get(GUILD) == storage.guilds.get(GUILD)
    await storage.guilds.remove_canned_answer(GUILD, MODERATOR, "hi")
    await another.tend()
    assert another.guilds.get(GUILD).canned_answers == ()


async def test_answers_are_added_edited_and_removed_by_their_names(storage: Storage) -> None:
    await storage.guilds.add_canned_answer(GUILD, MODERATOR, CannedAnswer("two", "2"))
    await storage.guilds.add_canned_answer(GUILD, MODERATOR, CannedAnswer("one", "1"))
    await storage.guilds.add_canned_answer(ELSEWHERE, MODERATOR, CannedAnswer("one", "elsewhere"))
    assert storage.guilds.get(GUILD).canned_answers == (CannedAnswer("one", "1"), CannedAnswer("two", "2"))

    edited = await storage.guilds.edit_canned_answer(GUILD, MODERATOR, CannedAnswer("one", "I"))
    assert edited.canned_answers == (CannedAnswer("one", "I"), CannedAnswer("two", "2"))
    removed = await storage.guilds.remove_canned_answer(GUILD, COLLEAGUE, "two")

    assert removed.canned_answers == (CannedAnswer("one", "I"),)
    assert storage.guilds.get(GUILD) == removed
    assert storage.guilds.get(ELSEWHERE).canned_answers == (CannedAnswer("one", "elsewhere"),)
    traces = await storage.audit.entries(GUILD)
    assert [(trace.actor_id, trace.action) for trace in traces] == [
        (actor, Action.CHANGED_ANSWERS) for actor in (MODERATOR, MODERATOR, MODERATOR, COLLEAGUE)
    ]


async def test_a_name_that_is_there_is_not_taken_again(storage: Storage) -> None:
    await storage.guilds.add_canned_answer(GUILD, MODERATOR, CannedAnswer("hi", "Hello"))

    with pytest.raises(NameTaken):
        await storage.guilds.add_canned_answer(GUILD, COLLEAGUE, CannedAnswer("hi", "Good day"))

    assert storage.guilds.get(GUILD).canned_answers == (CannedAnswer("hi", "Hello"),)
    assert len(await storage.audit.entries(GUILD)) == 1


async def test_a_name_that_is_not_there_is_neither_edited_nor_removed(storage: Storage) -> None:
    for guild in (GUILD, ELSEWHERE):
        with pytest.raises(NoSuchCannedAnswer):
            await storage.guilds.edit_canned_answer(guild, MODERATOR, CannedAnswer("hi", "Good day"))
        with pytest.raises(NoSuchCannedAnswer):
            await storage.guilds.remove_canned_answer(guild, MODERATOR, "hi")
        await storage.guilds.add_canned_answer(ELSEWHERE, MODERATOR, CannedAnswer("another", "Hello"))
        assert await storage.audit.entries(GUILD) == []
        await storage.guilds.remove_canned_answer(ELSEWHERE, MODERATOR, "another")


async def test_a_server_keeps_as_many_answers_as_a_select_shows(storage: Storage) -> None:
    answers = [CannedAnswer(f"answer {number:02}", "text") for number in range(MOST_CANNED_ANSWERS + 3)]

    adding = [storage.guilds.add_canned_answer(GUILD, MODERATOR, answer) for answer in answers]
    outcomes = await asyncio.gather(*adding, return_exceptions=True)

    refused = [type(outcome) for outcome in outcomes if not isinstance(outcome, GuildSettings)]
    assert refused == [TooManyCannedAnswers] * 3
    await storage.tend()
    assert len(storage.guilds.get(GUILD).canned_answers) == MOST_CANNED_ANSWERS == 25
    await storage.guilds.remove_canned_answer(GUILD, MODERATOR, storage.guilds.get(GUILD).canned_answers[0].name)
    await storage.guilds.add_canned_answer(GUILD, MODERATOR, CannedAnswer("one more", "text"))
