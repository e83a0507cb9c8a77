"""People's languages in the simulated Discord, which by itself gives everybody English."""

from typing import Any

from simcord.backend import Backend


def speak_german(backend: Backend, user_id: int) -> None:
    """Have a user's Discord client report German."""

    def localise(event: str, payload: Any) -> None:  # noqa: ANN401 - a gateway payload
        if event == "INTERACTION_CREATE":
            user = payload.get("user") or payload["member"]["user"]
            if int(user["id"]) == user_id:
                payload["locale"] = "de"

    backend.subscribers.insert(0, localise)  # before the bot reads it
