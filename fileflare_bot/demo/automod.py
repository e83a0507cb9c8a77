"""AutoMod's patterns in the simulated Discord, which by itself matches keywords only."""

import re

from simcord.backend import Backend
from simcord.backend.models import AutoModRule


def know_patterns(backend: Backend) -> None:
    """Have AutoMod match the patterns of rules; Discord does so with Rust's regex crate, this with Python's ``re``."""
    backend._auto_mod_match = _match  # type: ignore[method-assign]  # noqa: SLF001 - the simulator has no other way


def _match(rule: AutoModRule, content: str) -> str | None:
    patterns = rule.trigger_metadata.get("regex_patterns") or []
    return next((found[0] for pattern in patterns if (found := re.search(pattern, content))), None)
