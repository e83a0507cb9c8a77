"""When to try again what Discord did not take: after pauses that grow from seconds to an hour."""

from datetime import timedelta
from typing import Any, Final

import sqlalchemy as sa

from fileflare_bot.storage.database import Database, utc_now
from fileflare_bot.storage.models import Retried

FIRST_PAUSE: Final = timedelta(seconds=20)  # doubled at each further try
LONGEST_PAUSE: Final = timedelta(hours=1)
ATTEMPTS_OF_A_DAY: Final = 30  # with these pauses; after as many refusals, an intent is given up


async def postpone_rows(database: Database, table: Any, *its: sa.ColumnElement[bool]) -> None:  # noqa: ANN401 - Retried
    """Try these rows again after a pause."""
    async with database.writing() as session:
        due = sa.select(table).where(*its)
        for row in await session.scalars(due.with_for_update()):  # another round may delete it
            postpone(row)


def postpone(row: Retried) -> None:
    """Try a row again after a pause."""
    row.retry_at = utc_now() + min(FIRST_PAUSE * 2**row.attempts, LONGEST_PAUSE)
    row.attempts = min(row.attempts + 1, ATTEMPTS_OF_A_DAY)
