"""Servers' settings and saved answers."""

import asyncio
import time
from collections.abc import AsyncIterator, Callable, Iterator
from contextlib import asynccontextmanager, contextmanager
from datetime import timedelta
from typing import Any

import pytest
import sqlalchemy as sa
from databases import audit_entries
from sqlalchemy.exc import IntegrityError
from sqlalchemy.ext.asyncio import AsyncSession
from storage.samples import COLLEAGUE, ELSEWHERE, GUILD, KEY, MODERATOR, connected, execute, file, settings

from fileflare_bot.demo import orders
from fileflare_bot.storage.database import utc_now
from fileflare_bot.storage.encryption import Cipher
from fileflare_bot.storage.errors import NameTaken, NoSuchCannedAnswer, StorageUnavailable, TooManyCannedAnswers
from fileflare_bot.storage.guilds import MOST_CANNED_ANSWERS, READ_AT_ONCE, Guilds
from fileflare_bot.storage.models import CannedAnswerRow, GuildRow, TicketRow
from fileflare_bot.storage.options import Match, Options, RoleRule, StoreProduct
from fileflare_bot.storage.records import Action, CannedAnswer, GuildSettings
from fileflare_bot.storage.setup_changes import NAMED, changes_between
from fileflare_bot.storage.storage import Storage, open_storage

MANY = 4_000  # servers of a large bot


def allow(_now: GuildSettings) -> None:
    """Let the change happen."""


@contextmanager
def queries(storage: Storage, *tables: str) -> Iterator[list[str]]:
    """Collect the statements that name one of these tables, or all."""
    seen: list[str] = []
    engine = storage._database._engine.sync_engine  # noqa: SLF001 - nothing else tells what is asked

    def record(_connection: object, _cursor: object, statement: str, *_more: object) -> None:
        if not tables or any(table in statement for table in tables):
            seen.append(statement)

    sa.event.listen(engine, "before_cursor_execute", record)
    yield seen
    sa.event.remove(engine, "before_cursor_execute", record)


async def fill(url: str, count: int, *, answers: int = 0) -> list[int]:
    """Store settings of many servers, and answers of each."""
    guild_ids = [GUILD + number for number in range(count)]
    rows = [
        {
            "guild_id": guild_id,
            "log_channel_id": 3,
            "moderator_role_ids": [],
            "options": {},
            "next_number": 1,
            "changed_at": utc_now(),
            "version": 1,
            "attempts": 0,
        }
        for guild_id in guild_ids
    ]
    texts = [
        {"guild_id": guild_id, "name": f"answer {number}", "text": "encrypted"}
        for guild_id in guild_ids
        for number in range(answers)
    ]
    async with connected(url) as connection:
        await connection.execute(sa.insert(GuildRow), rows)
        if texts:
            await connection.execute(sa.insert(CannedAnswerRow), texts)
    return guild_ids


async def test_a_server_is_known_once_it_is_read_and_not_before(url: str) -> None:
    storage = Storage(settings(url))
    await storage.start()

    with pytest.raises(StorageUnavailable):
        storage.guilds.get(GUILD)

    assert await storage.guilds.load(GUILD) == GuildSettings(GUILD)
    assert storage.guilds.get(GUILD) == GuildSettings(GUILD)
    await storage.close()


async def test_the_start_reads_no_server_however_many_there_are(url: str) -> None:
    async with open_storage(settings(url)):
        pass
    guild_ids = await fill(url, MANY, answers=5)
    storage = Storage(settings(url))
    began = time.perf_counter()

    with queries(storage, "servers", "saved_answers") as asked:
        await storage.start()
    assert asked == []
    with queries(storage) as asked:
        assert (await storage.guilds.load(guild_ids[-1])).log_channel_id == 3

    assert len([statement for statement in asked if "SELECT" in statement]) == 1
    assert time.perf_counter() - began < 5
    await storage.close()


async def test_many_callers_at_once_share_one_read_which_goes_on_when_they_stop_waiting(
    storage: Storage, url: str
) -> None:
    await fill(url, 1)
    with queries(storage, "servers") as asked:
        waiting = [asyncio.create_task(storage.guilds.load(GUILD)) for _ in range(50)]
        await asyncio.sleep(0)
        for task in waiting[:49]:
            task.cancel()
        assert (await waiting[49]).log_channel_id == 3
    assert len(asked) == 1

    storage.guilds.forget([GUILD])
    impatient = asyncio.create_task(storage.guilds.load(GUILD))
    await asyncio.sleep(0)
    impatient.cancel()
    async with asyncio.timeout(5):
        while GUILD not in storage.guilds._known:  # noqa: ASYNC110, SLF001 - nothing else tells
            await asyncio.sleep(0.01)


async def test_only_the_servers_used_last_are_kept_in_memory(url: str) -> None:
    async with open_storage(settings(url)) as storage:
        guilds = Guilds(storage._database, Cipher([KEY]), most_kept=2)  # noqa: SLF001 - the parts themselves
        for guild_id in (1, 2):
            await guilds.load(guild_id)
        guilds.get(1)
        await guilds.load(3)

        assert guilds.get(1) == GuildSettings(1)
        assert guilds.get(3) == GuildSettings(3)
        with pytest.raises(StorageUnavailable):
            guilds.get(2)


@pytest.mark.parametrize("most_kept", [1, 2])
async def test_a_slow_read_that_began_before_a_change_does_not_undo_it(
    storage: Storage, monkeypatch: pytest.MonkeyPatch, most_kept: int
) -> None:
    guilds = storage.guilds
    monkeypatch.setattr(guilds, "_most_kept", most_kept)
    await guilds.change(GUILD, MODERATOR, log_channel_id=3)
    guilds.forget([GUILD])
    read, may_end = asyncio.Event(), asyncio.Event()
    reading = storage._database.reading  # noqa: SLF001 - the delay itself

    @asynccontextmanager
    async def slowly() -> AsyncIterator[AsyncSession]:
        async with reading() as session:
            yield session
        read.set()
        await may_end.wait()

    with monkeypatch.context() as patch:
        patch.setattr(storage._database, "reading", slowly)  # noqa: SLF001 - the delay itself
        loading = asyncio.create_task(guilds.load(GUILD))
        await read.wait()
    changing = asyncio.create_task(guilds.change(GUILD, MODERATOR, log_channel_id=4))
    await asyncio.sleep(0.1)
    may_end.set()
    await loading
    await changing

    assert guilds.get(GUILD).log_channel_id == 4


async def test_a_slow_refresh_that_began_before_a_change_does_not_undo_it(
    storage: Storage, another: Storage, monkeypatch: pytest.MonkeyPatch
) -> None:
    guilds = storage.guilds
    await guilds.change(GUILD, MODERATOR, log_channel_id=3)
    await another.guilds.change(GUILD, MODERATOR, log_channel_id=4)
    reading = storage._database.reading  # noqa: SLF001 - the delay itself

    @asynccontextmanager
    async def slowly() -> AsyncIterator[AsyncSession]:
        async with reading() as session:
            yield session
        await guilds.change(GUILD, MODERATOR, log_channel_id=5)

    with monkeypatch.context() as patch:
        patch.setattr(storage._database, "reading", slowly)  # noqa: SLF001 - the delay itself
        await guilds.refresh()

    assert guilds.get(GUILD).log_channel_id == 5


async def test_a_change_that_is_committed_after_a_look_is_found_by_the_next(
    storage: Storage, another: Storage, url: str
) -> None:
    await storage.guilds.change(GUILD, MODERATOR, log_channel_id=3)
    await another.guilds.load(GUILD)
    late = sa.update(GuildRow).values(log_channel_id=4, version=GuildRow.version + 1, changed_at=utc_now())
    async with connected(url) as connection:
        await connection.execute(late)
        await asyncio.sleep(0.1)
        for _ in range(2):
            await another.guilds.refresh()
        assert another.guilds.get(GUILD).log_channel_id == 3

    await another.guilds.refresh()

    assert another.guilds.get(GUILD).log_channel_id == 4


async def test_a_change_whose_confirmation_was_lost_is_read_again(
    storage: Storage, monkeypatch: pytest.MonkeyPatch
) -> None:
    await storage.guilds.change(GUILD, MODERATOR, log_channel_id=3)
    commit = AsyncSession.commit

    async def lost(session: AsyncSession) -> None:
        await commit(session)
        raise ConnectionResetError

    with monkeypatch.context() as patch:
        patch.setattr(AsyncSession, "commit", lost)
        with pytest.raises(StorageUnavailable):
            await storage.guilds.change(GUILD, MODERATOR, log_channel_id=4)

    assert (await storage.guilds.load(GUILD)).log_channel_id == 4


async def test_a_server_keeps_what_is_set_and_only_that(storage: Storage) -> None:
    await storage.guilds.change(GUILD, MODERATOR, support_channel_id=2**62, moderator_role_ids=(2**61, 5))
    changed = await storage.guilds.change(GUILD, COLLEAGUE, log_channel_id=3, ping_role_id=4)

    assert changed == GuildSettings(GUILD, 2**62, 3, 4, (2**61, 5))
    assert storage.guilds.get(GUILD) == changed
    assert await storage.guilds.load(ELSEWHERE) == GuildSettings(ELSEWHERE)
    cleared = await storage.guilds.change(GUILD, MODERATOR, ping_role_id=None, moderator_role_ids=())
    assert cleared == GuildSettings(GUILD, 2**62, 3)
    traces = await audit_entries(storage, GUILD)
    assert [(trace.actor_id, trace.action, trace.number) for trace in traces] == [
        (actor, Action.CHANGED_SETUP, None) for actor in (MODERATOR, COLLEAGUE, MODERATOR)
    ]


async def test_what_is_set_is_there_after_a_restart(storage: Storage, url: str) -> None:
    await storage.guilds.change(GUILD, MODERATOR, log_channel_id=3)
    await storage.guilds.add_canned_answer(GUILD, MODERATOR, CannedAnswer("hi", "Hello {name}"))

    async with open_storage(settings(url)) as again:
        assert await again.guilds.load(GUILD) == storage.guilds.get(GUILD)
        assert again.guilds.get(GUILD).canned_answers == (CannedAnswer("hi", "Hello {name}"),)


async def test_another_process_sees_a_change_after_it_has_tended_its_storage(
    storage: Storage, another: Storage
) -> None:
    await storage.guilds.change(GUILD, MODERATOR, log_channel_id=3)
    await storage.guilds.add_canned_answer(GUILD, MODERATOR, CannedAnswer("hi", "Hello"))
    another_knows = await another.guilds.load(GUILD)
    await storage.guilds.change(GUILD, MODERATOR, log_channel_id=4)
    assert another.guilds.get(GUILD) == another_knows

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
    traces = await audit_entries(storage, GUILD)
    assert [(trace.actor_id, trace.action) for trace in traces] == [
        (actor, Action.CHANGED_ANSWERS) for actor in (MODERATOR, MODERATOR, MODERATOR, COLLEAGUE)
    ]


async def test_a_name_that_is_there_is_not_taken_again(storage: Storage) -> None:
    await storage.guilds.add_canned_answer(GUILD, MODERATOR, CannedAnswer("hi", "Hello"))

    with pytest.raises(NameTaken):
        await storage.guilds.add_canned_answer(GUILD, COLLEAGUE, CannedAnswer("hi", "Good day"))

    assert storage.guilds.get(GUILD).canned_answers == (CannedAnswer("hi", "Hello"),)
    assert len(await audit_entries(storage, GUILD)) == 1


async def test_a_name_that_is_not_there_is_neither_edited_nor_removed(storage: Storage) -> None:
    for guild in (GUILD, ELSEWHERE):
        with pytest.raises(NoSuchCannedAnswer):
            await storage.guilds.edit_canned_answer(guild, MODERATOR, CannedAnswer("hi", "Good day"))
        with pytest.raises(NoSuchCannedAnswer):
            await storage.guilds.remove_canned_answer(guild, MODERATOR, "hi")
        await storage.guilds.add_canned_answer(ELSEWHERE, MODERATOR, CannedAnswer("another", "Hello"))
        assert await audit_entries(storage, GUILD) == []
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


async def test_the_changes_of_other_processes_are_read_in_few_queries(
    storage: Storage, another: Storage, url: str
) -> None:
    count = READ_AT_ONCE + 100
    for guild_id in await fill(url, count, answers=1):
        await another.guilds.load(guild_id)
    changed = sa.update(GuildRow).values(ping_role_id=7, version=GuildRow.version + 1, changed_at=utc_now())
    await execute(url, changed)

    with queries(another, "servers") as asked:
        await another.guilds.refresh()

    assert len(asked) <= 3, "one, and one for each 500"
    assert {another.guilds.get(GUILD + number).ping_role_id for number in range(count)} == {7}
    with queries(another, "servers") as asked:
        await another.guilds.refresh()
    assert len(asked) == 1
    assert storage.available


async def test_a_server_that_another_process_deleted_leaves_the_memory(storage: Storage, another: Storage) -> None:
    await storage.guilds.change(GUILD, MODERATOR, log_channel_id=3)
    await storage.guilds.change(GUILD, MODERATOR, log_channel_id=4)
    await another.guilds.load(GUILD)
    await storage.guilds.left(GUILD, at=utc_now() - timedelta(days=31))
    await another.guilds.refresh()
    assert (await another.guilds.load(GUILD)).left
    await storage.retention.delete_left_guilds(30)

    await another.guilds.refresh()

    with pytest.raises(StorageUnavailable):
        another.guilds.get(GUILD)
    assert await another.guilds.load(GUILD) == GuildSettings(GUILD)


async def test_a_server_that_was_deleted_and_set_up_anew_is_read_anew(storage: Storage, another: Storage) -> None:
    for channel_id in (3, 4, 5):
        await storage.guilds.change(GUILD, MODERATOR, log_channel_id=channel_id)
    await another.guilds.load(GUILD)
    await storage.guilds.left(GUILD, at=utc_now() - timedelta(days=31))
    storage.guilds.forget(await storage.retention.delete_left_guilds(30))
    await storage.guilds.change(GUILD, MODERATOR, log_channel_id=6)

    await another.tend()

    assert another.guilds.get(GUILD) == GuildSettings(GUILD, log_channel_id=6)


def with_rule(number: int) -> Callable[[Options], Options]:
    """Return a change that adds a rule."""
    rule = RoleRule(match=Match.TAG, value=f"tag {number}", role_ids=(number,))
    return lambda options: options.model_copy(update={"rules": (*options.rules, rule)})


async def test_of_changes_to_the_options_at_once_in_two_processes_none_is_lost(
    storage: Storage, another: Storage
) -> None:
    await asyncio.gather(
        *(
            process.guilds.change_options(GUILD, MODERATOR, with_rule(number))
            for number, process in enumerate([storage, another] * 4, start=1)
        )
    )

    await storage.tend()
    assert {rule.value for rule in storage.guilds.get(GUILD).options.rules} == {f"tag {each}" for each in range(1, 9)}
    assert len(await audit_entries(storage, GUILD)) == 8


async def test_a_change_that_refuses_changes_nothing(storage: Storage) -> None:
    before = await storage.guilds.change_options(GUILD, MODERATOR, with_rule(1))

    def refuse(_options: Options) -> Options:
        raise NameTaken

    with pytest.raises(NameTaken):
        await storage.guilds.change_options(GUILD, MODERATOR, refuse)

    storage.guilds.forget([GUILD])
    assert await storage.guilds.load(GUILD) == before
    assert len(await audit_entries(storage, GUILD)) == 1


async def test_settings_and_answers_are_replaced_together_or_not_at_all(storage: Storage) -> None:
    await storage.guilds.change(GUILD, MODERATOR, log_channel_id=3)
    before = await storage.guilds.add_canned_answer(GUILD, MODERATOR, CannedAnswer("old", "Old"))
    new: dict[str, Any] = {"log_channel_id": 4, "options": Options(language="de")}
    answers = CannedAnswer("one", "1"), CannedAnswer("two", "2")

    with pytest.raises(IntegrityError):
        await storage.guilds.replace(GUILD, MODERATOR, new, (*answers, CannedAnswer("two", "again")), allow)
    storage.guilds.forget([GUILD])
    assert await storage.guilds.load(GUILD) == before

    for _ in range(2):
        replaced = await storage.guilds.replace(GUILD, MODERATOR, new, answers, allow)
        assert (replaced.log_channel_id, replaced.options.language) == (4, "de")
        assert replaced.canned_answers == answers


async def test_waiting_tickets_are_due_at_once_when_the_support_channel_changes(storage: Storage, url: str) -> None:
    waiting, posted = await file(storage), await file(storage, 2)
    elsewhere = await file(storage, 3, guild_id=ELSEWHERE)
    later = utc_now() + timedelta(hours=1)
    await execute(url, sa.update(TicketRow).values(retry_at=later, attempts=5))
    await execute(url, sa.update(TicketRow).values(retry_at=None).where(TicketRow.id == posted.id))

    await storage.guilds.change(GUILD, MODERATOR, log_channel_id=3)
    assert await storage.intents.due_tickets() == []
    await storage.guilds.change(GUILD, MODERATOR, support_channel_id=4)

    assert await storage.intents.due_tickets() == [waiting.id]
    assert elsewhere.id != waiting.id


def on(**changed: Any) -> Callable[[Options], Options]:  # noqa: ANN401 - of Options
    return lambda options: options.model_copy(update={"leak_guard": True, **changed})


async def settled(storage: Storage) -> None:
    """Settle the guard of the only server."""
    await storage.guilds.leak_guard_settled(storage.guilds.get(GUILD))
    assert await storage.guilds.due_leak_guards() == []


async def test_each_change_that_the_leak_guards_rule_depends_on_makes_it_due_and_no_other(storage: Storage) -> None:
    guilds = storage.guilds
    await guilds.change(GUILD, MODERATOR, moderator_role_ids=(5,))
    assert await guilds.due_leak_guards() == []

    await guilds.change_options(GUILD, MODERATOR, on())
    assert await guilds.due_leak_guards() == [GUILD]
    await settled(storage)
    await guilds.change_options(GUILD, MODERATOR, on(language="de"))
    assert await guilds.due_leak_guards() == [GUILD]
    await settled(storage)
    await guilds.change(GUILD, MODERATOR, moderator_role_ids=(5, 6))
    assert await guilds.due_leak_guards() == [GUILD]
    await settled(storage)
    await guilds.change(GUILD, MODERATOR, log_channel_id=3)
    await guilds.change_options(GUILD, MODERATOR, with_rule(1))
    await guilds.add_canned_answer(GUILD, MODERATOR, CannedAnswer("hi", "Hello"))
    assert await guilds.due_leak_guards() == []
    await guilds.change_options(GUILD, MODERATOR, on(leak_guard_spares_moderators=False))
    assert await guilds.due_leak_guards() == [GUILD]
    await settled(storage)
    await guilds.replace(GUILD, MODERATOR, {"options": Options()}, (), allow)
    assert await guilds.due_leak_guards() == [GUILD]
    await settled(storage)
    await guilds.change_options(GUILD, MODERATOR, lambda options: options)
    assert not await guilds.leak_guard_pending(GUILD)


async def test_a_leak_guard_is_not_settled_by_what_was_wanted_before(storage: Storage) -> None:
    before = await storage.guilds.change_options(GUILD, MODERATOR, on())
    await storage.guilds.change_options(GUILD, MODERATOR, on(leak_guard=False))

    await storage.guilds.leak_guard_settled(before)

    assert await storage.guilds.due_leak_guards() == [GUILD]


async def test_a_leak_guard_that_failed_is_due_again_after_growing_pauses(storage: Storage, url: str) -> None:
    await storage.guilds.change_options(GUILD, MODERATOR, on())
    pauses = []
    for _ in range(3):
        await storage.guilds.leak_guard_postponed(GUILD)
        async with connected(url) as connection:
            due = await connection.scalar(sa.select(GuildRow.retry_at))
        assert due is not None
        pauses.append(round((due - utc_now()).total_seconds(), -1))

    assert pauses == [20, 40, 80]
    assert await storage.guilds.due_leak_guards() == []
    assert await storage.guilds.leak_guard_pending(GUILD)
    await storage.guilds.change_options(GUILD, MODERATOR, on(leak_guard=False))
    assert await storage.guilds.due_leak_guards() == [GUILD], "a new wish does not wait"


async def test_the_servers_that_need_catching_up_are_found_among_many(storage: Storage, url: str) -> None:
    guild_ids = await fill(url, READ_AT_ONCE + 10)
    await storage.guilds.change_options(guild_ids[-1], MODERATOR, on())
    await storage.guilds.change_options(guild_ids[0], MODERATOR, on(leak_guard=False))
    await storage.guilds.left(guild_ids[1], at=utc_now())

    assert await storage.guilds.missed([*guild_ids, 12345]) == ([guild_ids[1]], [guild_ids[-1]])
    assert await storage.guilds.missed(guild_ids[2:3]) == ([], [])


async def test_the_leak_guard_is_due_when_the_bot_comes_back_and_not_while_it_is_away(storage: Storage) -> None:
    await storage.guilds.change_options(GUILD, MODERATOR, on())
    await storage.guilds.left(GUILD, at=utc_now())
    assert await storage.guilds.due_leak_guards() == []

    await storage.guilds.left(GUILD, at=None)

    assert await storage.guilds.due_leak_guards() == [GUILD]


async def test_a_file_is_checked_against_the_options_that_it_replaces(storage: Storage) -> None:
    before = await storage.guilds.change(GUILD, MODERATOR, options=Options(buyers_roles=True))
    seen: list[GuildSettings] = []

    def refuse(now: GuildSettings) -> None:
        seen.append(now)
        raise NameTaken

    with pytest.raises(NameTaken):
        await storage.guilds.replace(GUILD, MODERATOR, {"options": Options()}, (), refuse)

    assert [now.options for now in seen] == [before.options]
    assert await storage.guilds.load(GUILD) == before


@pytest.mark.parametrize("value", [orders.DOCUMENTED, f"my-store.com/account/orders/{orders.DOCUMENTED}"])
def test_what_is_kept_about_a_change_names_no_order_that_a_rule_or_answer_holds(value: str) -> None:
    rule = RoleRule(match=Match.TAG, value=value, role_ids=(1,))
    product = StoreProduct(product_id="1", name=value)
    changed = GuildSettings(
        GUILD,
        canned_answers=(CannedAnswer(orders.DOCUMENTED, "Hello"),),
        options=Options(rules=(rule,), products=(product,)),
    )

    named = [change for change in changes_between(GuildSettings(GUILD), changed) if change.setting.endswith(NAMED)]

    assert [change.after for change in named] == [[["tag", "…", [1], ""]], [["…", "1"]], ["…"]]
