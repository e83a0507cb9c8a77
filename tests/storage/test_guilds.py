"""Servers' settings and saved answers."""

import asyncio
from collections.abc import AsyncIterator

import pytest
from storage.samples import COLLEAGUE, ELSEWHERE, GUILD, MODERATOR, settings

from fileflare_bot.storage.errors import NameTaken, NoSuchAnswer, StorageUnavailable, TooManyAnswers
from fileflare_bot.storage.guilds import MOST_ANSWERS
from fileflare_bot.storage.records import Action, SavedAnswer, Server
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
        storage.servers.get(GUILD)

    await storage.start()
    assert storage.servers.get(GUILD) == Server(GUILD)
    await storage.close()


async def test_a_server_keeps_what_is_set_and_only_that(storage: Storage) -> None:
    await storage.servers.change(GUILD, MODERATOR, support_channel_id=2**62, moderator_role_ids=(2**61, 5))
    changed = await storage.servers.change(GUILD, COLLEAGUE, log_channel_id=3, ping_role_id=4)

    assert changed == Server(GUILD, 2**62, 3, 4, (2**61, 5))
    assert storage.servers.get(GUILD) == changed
    assert storage.servers.get(ELSEWHERE) == Server(ELSEWHERE)
    cleared = await storage.servers.change(GUILD, MODERATOR, ping_role_id=None, moderator_role_ids=())
    assert cleared == Server(GUILD, 2**62, 3)
    traces = await storage.upkeep.actions(GUILD)
    assert [(trace.actor_id, trace.action, trace.number) for trace in traces] == [
        (actor, Action.CHANGED_SETUP, None) for actor in (MODERATOR, COLLEAGUE, MODERATOR)
    ]


async def test_what_is_set_is_there_after_a_restart(storage: Storage, url: str) -> None:
    await storage.servers.change(GUILD, MODERATOR, log_channel_id=3)
    await storage.servers.add_answer(GUILD, MODERATOR, SavedAnswer("hi", "Hello {name}"))

    async with open_storage(settings(url)) as again:
        assert again.servers.get(GUILD) == storage.servers.get(GUILD)
        assert again.servers.get(GUILD).answers == (SavedAnswer("hi", "Hello {name}"),)


async def test_another_process_sees_a_change_after_it_has_tended_its_storage(
    storage: Storage, another: Storage
) -> None:
    await storage.servers.change(GUILD, MODERATOR, log_channel_id=3)
    await storage.servers.add_answer(GUILD, MODERATOR, SavedAnswer("hi", "Hello"))
    assert another.servers.get(GUILD) == Server(GUILD)

    await another.tend()

    assert another.servers.get(GUILD) == storage.servers.get(GUILD)
    await storage.servers.remove_answer(GUILD, MODERATOR, "hi")
    await another.tend()
    assert another.servers.get(GUILD).answers == ()


async def test_answers_are_added_edited_and_removed_by_their_names(storage: Storage) -> None:
    await storage.servers.add_answer(GUILD, MODERATOR, SavedAnswer("two", "2"))
    await storage.servers.add_answer(GUILD, MODERATOR, SavedAnswer("one", "1"))
    await storage.servers.add_answer(ELSEWHERE, MODERATOR, SavedAnswer("one", "elsewhere"))
    assert storage.servers.get(GUILD).answers == (SavedAnswer("one", "1"), SavedAnswer("two", "2"))

    edited = await storage.servers.edit_answer(GUILD, MODERATOR, SavedAnswer("one", "I"))
    assert edited.answers == (SavedAnswer("one", "I"), SavedAnswer("two", "2"))
    removed = await storage.servers.remove_answer(GUILD, COLLEAGUE, "two")

    assert removed.answers == (SavedAnswer("one", "I"),)
    assert storage.servers.get(GUILD) == removed
    assert storage.servers.get(ELSEWHERE).answers == (SavedAnswer("one", "elsewhere"),)
    traces = await storage.upkeep.actions(GUILD)
    assert [(trace.actor_id, trace.action) for trace in traces] == [
        (actor, Action.CHANGED_ANSWERS) for actor in (MODERATOR, MODERATOR, MODERATOR, COLLEAGUE)
    ]


async def test_a_name_that_is_there_is_not_taken_again(storage: Storage) -> None:
    await storage.servers.add_answer(GUILD, MODERATOR, SavedAnswer("hi", "Hello"))

    with pytest.raises(NameTaken):
        await storage.servers.add_answer(GUILD, COLLEAGUE, SavedAnswer("hi", "Good day"))

    assert storage.servers.get(GUILD).answers == (SavedAnswer("hi", "Hello"),)
    assert len(await storage.upkeep.actions(GUILD)) == 1


async def test_a_name_that_is_not_there_is_neither_edited_nor_removed(storage: Storage) -> None:
    for guild in (GUILD, ELSEWHERE):
        with pytest.raises(NoSuchAnswer):
            await storage.servers.edit_answer(guild, MODERATOR, SavedAnswer("hi", "Good day"))
        with pytest.raises(NoSuchAnswer):
            await storage.servers.remove_answer(guild, MODERATOR, "hi")
        await storage.servers.add_answer(ELSEWHERE, MODERATOR, SavedAnswer("another", "Hello"))
        assert await storage.upkeep.actions(GUILD) == []
        await storage.servers.remove_answer(ELSEWHERE, MODERATOR, "another")


async def test_a_server_keeps_as_many_answers_as_a_select_shows(storage: Storage) -> None:
    answers = [SavedAnswer(f"answer {number:02}", "text") for number in range(MOST_ANSWERS + 3)]

    adding = [storage.servers.add_answer(GUILD, MODERATOR, answer) for answer in answers]
    outcomes = await asyncio.gather(*adding, return_exceptions=True)

    refused = [type(outcome) for outcome in outcomes if not isinstance(outcome, Server)]
    assert refused == [TooManyAnswers] * 3
    await storage.tend()
    assert len(storage.servers.get(GUILD).answers) == MOST_ANSWERS == 25
    await storage.servers.remove_answer(GUILD, MODERATOR, storage.servers.get(GUILD).answers[0].name)
    await storage.servers.add_answer(GUILD, MODERATOR, SavedAnswer("one more", "text"))
