"""What Discord rejects, though the simulated one may take it."""

import re
from typing import Any, Final

from simcord.backend import Backend
from simcord.backend.errors import BackendError
from simcord.backend.models import Message
from simcord.components import COMPONENTS_V2_FLAG
from simcord.enums import CallbackType

_CALLBACK: Final = re.compile(r"/interactions/(\d+)/[^/]+/callback")
_WEBHOOK: Final = re.compile(r"/webhooks/\d+/([^/]+)(?:/messages/([^/]+))?")
_MESSAGE: Final = re.compile(r"/channels/(\d+)/messages/(\d+)")


def mixes_components_v2(backend: Backend, method: str, path: str, body: Any) -> bool:  # noqa: ANN401 - any JSON value
    """Return whether a call gives a Components V2 message content or embeds.

    Source: discord.com/developers/docs/components/reference, "the content and embeds fields will no longer work".
    """
    if method not in {"POST", "PATCH"} or not isinstance(body, dict):
        return False
    fields = (body.get("data") or {}) if _CALLBACK.fullmatch(path) else body
    if fields.get("content") is None and not fields.get("embeds"):
        return False
    changed = _changed(backend, method, path, body)
    flags = int(fields.get("flags") or 0) | (changed.flags if changed is not None else 0)
    return bool(flags & COMPONENTS_V2_FLAG)


def _changed(backend: Backend, method: str, path: str, body: dict[str, Any]) -> Message | None:
    """Return the message that a call changes, or None if it makes one or changes none."""
    try:
        if found := _CALLBACK.fullmatch(path):
            record = backend.interactions[int(found[1])]
            updates = body.get("type") == CallbackType.UPDATE_MESSAGE and record.source_message_id is not None
            return backend.get_message(record.channel_id, record.source_message_id or 0) if updates else None
        if (found := _WEBHOOK.fullmatch(path)) and found[1] in backend.interaction_tokens:
            record = backend.interaction_by_token(found[1])
            edits = method == "PATCH" or record.loading
            message_id = record.message_id if found[2] in {None, "@original"} else int(found[2])
            return backend.get_message(record.channel_id, message_id or 0) if edits else None
        if method == "PATCH" and (found := _MESSAGE.fullmatch(path)):
            return backend.get_message(int(found[1]), int(found[2]))
    except (BackendError, KeyError):
        pass
    return None
