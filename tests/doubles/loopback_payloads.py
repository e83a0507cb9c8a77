"""The payloads of the loopback Discord: one application, its bot in its guilds, and a customer."""

import itertools
import time
from typing import Any, Final

Json = dict[str, Any]

TOKEN: Final = "MTIzNDU2Nzg5MDEyMzQ1Njc4.Gabcde." + "x" * 38
APPLICATION: Final = "123456789012345678"
GUILD: Final = "223344556677889900"
CHANNEL: Final = "334455667788990011"
BOT: Final[Json] = {"id": APPLICATION, "username": "loopback", "discriminator": "0", "avatar": None, "bot": True}
CUSTOMER: Final[Json] = {"id": "445566778899001122", "username": "casey", "discriminator": "0", "avatar": None}

_DISCORD_EPOCH_MS: Final = 1_420_070_400_000
_WHEN: Final = "2026-01-01T00:00:00+00:00"
_numbers = itertools.count(1)


def snowflake() -> str:
    """Return a new ID with the current time in it."""
    return str(int(time.time() * 1000) - _DISCORD_EPOCH_MS << 22 | next(_numbers))


def application() -> Json:
    """Return the response to GET /oauth2/applications/@me."""
    return {
        "id": APPLICATION,
        "name": "loopback",
        "description": "",
        "icon": None,
        "verify_key": "",
        "bot_public": True,
        "bot_require_code_grant": False,
        "owner": CUSTOMER,
        "flags": 0,
    }


def commands(sent: list[Json], guild_id: str | None) -> list[Json]:
    """Return the sent commands as Discord stores them."""
    given = {"application_id": APPLICATION, "guild_id": guild_id, "version": "1"}
    return [{"description": ""} | command | given | {"id": snowflake()} for command in sent]


def ready(session_id: str, gateway_url: str, guilds: int = 1) -> Json:
    """Return READY, which lists the guilds as unavailable."""
    return {
        "v": 10,
        "user": BOT,
        "guilds": [{"id": guild(number)["id"], "unavailable": True} for number in range(guilds)],
        "application": {"id": APPLICATION, "flags": 0},
        "session_id": session_id,
        "shard": [0, 1],
        "resume_gateway_url": gateway_url,
    }


def guild(number: int = 0) -> Json:
    """Return GUILD_CREATE of a guild, numbered from the first one."""
    guild_id = str(int(GUILD) + number)
    everyone = {"id": guild_id, "name": "@everyone", "permissions": "0", "position": 0, "color": 0, "flags": 0}
    channel = {"id": str(int(CHANNEL) + number), "type": 0}
    return {
        "id": guild_id,
        "name": "The Book Shop",
        "owner_id": CUSTOMER["id"],
        "roles": [everyone | {"hoist": False, "managed": False, "mentionable": False}],
        "channels": [channel | {"name": "downloads", "position": 0, "permission_overwrites": []}],
        "members": [],
        "member_count": 2,
        "features": [],
        "emojis": [],
    }


def whereabouts(person: int, guild: int) -> Json:
    """Return the member and the guild of an interaction, numbered from the customer and the first guild."""
    user = CUSTOMER | {"id": str(int(CUSTOMER["id"]) + person)}
    member = {"user": user, "roles": [], "joined_at": _WHEN, "flags": 0, "permissions": "0"}
    return {"member": member, "guild_id": str(int(GUILD) + guild)}


def interaction(of: Json) -> Json:
    """Return INTERACTION_CREATE for what the customer did in the guild's channel."""
    identifier = snowflake()
    return {
        "id": identifier,
        "token": f"interaction-token-{identifier}",
        "application_id": APPLICATION,
        "version": 1,
        "context": 0,
        "attachment_size_limit": 10_000_000,
        "app_permissions": "0",
        "locale": "en-US",
        "guild_locale": "en-US",
        "guild_id": GUILD,
        "channel": {"id": CHANNEL, "type": 0, "name": "downloads", "position": 0, "permissions": "0"},
        "member": {"user": CUSTOMER, "roles": [], "joined_at": _WHEN, "flags": 0, "permissions": "0"},
        **of,
    }


def message(sent: Json) -> Json:
    """Return the sent message as Discord stores it."""
    return {
        "id": snowflake(),
        "type": 0,
        "author": BOT,
        "channel_id": CHANNEL,
        "timestamp": _WHEN,
        "edited_timestamp": None,
        "content": "",
        "tts": False,
        "pinned": False,
        "mention_everyone": False,
        "mentions": [],
        "mention_roles": [],
        "attachments": [],
        "embeds": [],
        "components": [],
        **sent,
    }
