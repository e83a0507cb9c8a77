"""What a failed Discord call means for the next step.

Codes: discord.com/developers/docs/topics/opcodes-and-status-codes, "JSON".
"""

from datetime import UTC, datetime, timedelta
from typing import Final

import aiohttp
import discord

UNKNOWN_CHANNEL: Final = 10003
UNKNOWN_MEMBER: Final = 10007
UNKNOWN_MESSAGE: Final = 10008
UNKNOWN_ROLE: Final = 10011
UNKNOWN_USER: Final = 10013
ALREADY_ACKNOWLEDGED: Final = 40060
MESSAGES_CLOSED: Final = 50007  # the user takes no direct messages
NO_MUTUAL_GUILD: Final = 50278  # the user has left every guild that the bot is in
THREAD_EXISTS: Final = 160004
THREAD_LOCKED: Final = 160005
TOO_MANY_THREADS: Final = 160006  # 1,000 active ones in the guild
REFUSED_FOR: Final = timedelta(days=1)  # after which a refusal is final
SERVER_ERROR: Final = 500  # the lowest status of Discord's own faults
TOO_MANY_REQUESTS: Final = 429
FAILURES: Final = (discord.HTTPException, aiohttp.ClientError, TimeoutError)  # of any Discord call

# Why an interaction can get no reply any more.
_LOST: Final = {
    10062: "too_late",  # unknown interaction: three seconds have passed
    UNKNOWN_MESSAGE: "dismissed",  # the user dismissed it
    10015: "expired",  # unknown webhook: the token's 15 minutes have passed
    50027: "expired",  # invalid webhook token
    ALREADY_ACKNOWLEDGED: "already_acknowledged",
}


def is_passing(error: Exception) -> bool:
    """Return whether the same call may succeed soon: after a server error, a rate limit, a dropped call or silence."""
    if isinstance(error, discord.HTTPException):
        return error.status >= SERVER_ERROR or error.status == TOO_MANY_REQUESTS
    return isinstance(error, FAILURES)


def code_of(error: Exception) -> int:
    """Return Discord's code for an error, 0 for a connection that broke."""
    return error.code if isinstance(error, discord.HTTPException) else 0


def name_of(error: Exception) -> str:
    """Return an error for a log line: Discord's status and code, or the class of a connection's failure."""
    return f"{error.status} {error.code}" if isinstance(error, discord.HTTPException) else type(error).__name__


def is_gone(error: Exception) -> bool:
    """Return whether a channel, thread or message does not exist any more; after a 403 it still does."""
    return isinstance(error, discord.HTTPException) and error.code in {UNKNOWN_CHANNEL, UNKNOWN_MESSAGE}


def is_final(error: Exception, since: datetime) -> bool:
    """Return whether trying again is useless: something is gone, or Discord has refused it for more than a day.

    A permission that the bot lacks may be given to it, so a 403 is not final at once.
    """
    return is_gone(error) or (not is_passing(error) and datetime.now(UTC) - since > REFUSED_FOR)


def undelivered(error: Exception) -> str:
    """Return why a call of an interaction's own makes it lost, or an empty string if another reply may arrive."""
    if not isinstance(error, discord.HTTPException) or error.status >= SERVER_ERROR:
        return "discord_down"
    if error.status == TOO_MANY_REQUESTS:
        return "rate_limited"
    return _LOST.get(error.code, "")
