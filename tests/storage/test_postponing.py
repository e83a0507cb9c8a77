"""What Discord did not take is tried again after pauses that grow."""

import pytest

from fileflare_bot.storage.database import utc_now
from fileflare_bot.storage.models import NoteRow
from fileflare_bot.storage.postponing import postpone


@pytest.mark.parametrize(
    ("attempts", "seconds", "then"), [(0, 20, 1), (1, 40, 2), (5, 640, 6), (8, 3600, 9), (30, 3600, 30)]
)
def test_each_pause_is_twice_the_last_one_up_to_an_hour(attempts: int, seconds: float, then: int) -> None:
    row = NoteRow(attempts=attempts)
    before = utc_now()
    postpone(row)

    assert row.retry_at is not None
    assert seconds <= (row.retry_at - before).total_seconds() < seconds + 5
    assert row.attempts == then
