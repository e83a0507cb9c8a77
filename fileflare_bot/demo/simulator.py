"""What the simulated Discord lacks: AutoMod matches keywords only there, and everybody speaks English."""

import re
from typing import Any

from simcord.backend import Backend
from simcord.backend.models import AutoModRule


def know_patterns(backend: Backend) -> None:
    """Have AutoMod match the patterns of rules; Discord does so with Rust's regex crate, this with Python's ``re``."""
    backend._auto_mod_match = _match  # type: ignore[method-assign]  # noqa: SLF001 - the simulator has no other way


def _match(rule: AutoModRule, content: str) -> str | None:
    patterns = rule.trigger_metadata.get("regex_patterns") or []
    return next((found[0] for pattern in patterns if (found := re.search(pattern, content))), None)


def speak_german(backend: Backend, user_id: int) -> None:
    """Have a user's Discord client report German."""

    def localise(event: str, payload: Any) -> None:  # noqa: ANN401 - a gateway payload
        if event == "INTERACTION_CREATE":
            user = payload.get("user") or payload["member"]["user"]
            if int(user["id"]) == user_id:
                payload["locale"] = "de"

    backend.subscribers.insert(0, localise)  # before the bot reads it
