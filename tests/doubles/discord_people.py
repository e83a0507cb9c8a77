"""What people do on the networked Discord, and what they see of the replies."""

from collections.abc import Mapping
from dataclasses import dataclass
from typing import Any, Final

from doubles.loopback import PATIENCE_SECONDS, Loopback
from doubles.loopback_payloads import Json
from simcord.backend import Backend, serializers
from simcord.backend.models import Message
from simcord.components import walk_components
from simcord.enums import InteractionType
from simcord.interactions import base_payload

INTEGER, ROLE, ATTACHMENT, TEXT = 4, 8, 11, 3  # kinds of a command's options
BUTTON: Final = 2


class NothingThere(Exception):  # noqa: N818 - it states a fact
    """Raised when a user cannot press what is not there."""


class People(Loopback):
    """Everybody on this Discord; their own server's settings decide what they may do."""

    backend: Backend

    def __init__(self) -> None:
        super().__init__()
        self.completed: set[str] = set()  # tokens of interactions that got more than their first response

    def slash(self, user_id: int, channel_id: int, name: str, **options: str | int | Json) -> "Interaction":
        """Type a command; a space in its name separates the names of its groups. A file is given as its payload."""
        path = name.split()
        given: list[Json] = [
            {"name": option.replace("_", "-"), "type": _kind(value), "value": _value(value)}
            for option, value in options.items()
        ]
        for inner in reversed(path[1:]):
            given = [{"name": inner, "type": 1 if inner == path[-1] else 2, "options": given}]
        command = self.backend.find_command(path[0], None, type=1)
        assert command is not None, f"there is no command /{path[0]}"
        data = {"id": command["id"], "name": path[0], "type": 1, "options": given, "resolved": self._resolved(options)}
        return self._interact(InteractionType.APPLICATION_COMMAND, user_id, channel_id, data)

    def menu(self, user_id: int, name: str, message: Message) -> "Interaction":
        """Use a message's context menu."""
        command = self.backend.find_command(name, None, type=3)
        assert command is not None, f"there is no context menu {name}"
        shown = dict(serializers.message_payload(self.backend, message))
        resolved = {"messages": {str(message.id): shown}}
        data = {"id": command["id"], "name": name, "type": 3, "target_id": str(message.id), "resolved": resolved}
        return self._interact(InteractionType.APPLICATION_COMMAND, user_id, message.channel_id, data)

    def press(self, user_id: int, message: Message, part: str, values: list[str] | None = None) -> "Interaction":
        """Press the button, or use the select, whose custom_id or label holds this."""
        found = [
            component
            for component in walk_components(message.components)
            if part in (component.get("custom_id") or "") or part == component.get("label")
        ]
        if not found:
            raise NothingThere(part)
        data: Json = {"component_type": found[0]["type"], "custom_id": found[0]["custom_id"]}
        if values is not None:
            data["values"] = values
        return self._interact(InteractionType.MESSAGE_COMPONENT, user_id, message.channel_id, data, message=message)

    def submit(self, user_id: int, shown: "Interaction", **values: str | list[str] | Json) -> "Interaction":
        """Fill in the modal that an interaction has opened, and send it. A file is given as its payload."""
        modal = shown.record.modal
        assert modal is not None, f"no modal was opened, but: {shown.text}"
        components = []
        for component in walk_components(modal["components"]):
            name = component.get("custom_id")
            if name in values:
                value = values[name]
                given: Json = {"value": value} if isinstance(value, str) else {"values": value}
                if isinstance(value, dict):
                    given = {"values": [value["id"]]}
                components.append({"type": 18, "component": {"type": component["type"], "custom_id": name, **given}})
        chosen = [value for given in values.values() if isinstance(given, list) for value in given]
        files = {value["id"]: value for value in values.values() if isinstance(value, dict)}
        resolved = self._members(chosen, shown) | {"attachments": files}
        data = {"custom_id": modal["custom_id"], "components": components, "resolved": resolved}
        record = shown.record
        source = None
        if record.source_message_id is not None:
            source = self.backend.messages[record.channel_id].get(record.source_message_id)
        return self._interact(InteractionType.MODAL_SUBMIT, user_id, record.channel_id, data, message=source)

    def options(self, message: Message, part: str) -> list[str]:
        """Return the values of the select whose custom_id holds this."""
        (select,) = (found for found in walk_components(message.components) if part in (found.get("custom_id") or ""))
        return [option["value"] for option in select["options"]]

    def say(self, user_id: int, channel_id: int, text: str) -> Message | None:
        """Write a message as a user; None if AutoMod has stopped it."""
        message = self.backend.create_message(channel_id, user_id, text)
        return message if message.id in self.backend.messages.get(channel_id, {}) else None

    def _interact(
        self, kind: InteractionType, user_id: int, channel_id: int, data: Json, *, message: Message | None = None
    ) -> "Interaction":
        channel = self.backend.get_channel(channel_id)
        record, payload = base_payload(
            self.backend, type=kind, channel_id=channel_id, guild_id=channel.guild_id, user_id=user_id, data=data
        )
        if message is not None:
            record.source_message_id = message.id
            payload["message"] = dict(serializers.message_payload(self.backend, message))
        self.backend.emit("INTERACTION_CREATE", payload)
        return Interaction(self, record)

    def _resolved(self, options: Mapping[str, str | int | Json]) -> Json:
        roles, attachments = {}, {}
        for value in options.values():
            if isinstance(value, dict):
                attachments[value["id"]] = value
            for guild in self.backend.guilds.values():
                if _kind(value) == ROLE and int(str(value)) in guild.roles:
                    roles[str(value)] = serializers.role_payload(guild.roles[int(str(value))])
        return {"roles": roles, "attachments": attachments}

    def _members(self, chosen: list[str], shown: "Interaction") -> Json:
        guild = self.backend.guilds.get(shown.record.guild_id or 0)
        users, members = {}, {}
        for value in chosen:
            if guild is not None and value.isdecimal() and int(value) in guild.members:
                member = dict(serializers.member_payload(self.backend, guild, guild.members[int(value)]))
                member["permissions"] = str(self.backend.compute_permissions(guild.id, int(value)))
                users[value], members[value] = member.pop("user"), member
        return {"users": users, "members": members}


@dataclass(slots=True)
class Interaction:
    """What a user did, and what they have seen of the reply."""

    discord: People
    record: Any

    @property
    def message(self) -> Message | None:
        """The reply's message, if there is one."""
        message_id = self.record.message_id or (self.record.followup_ids or [None])[-1]
        return self.discord.backend.messages.get(self.record.channel_id, {}).get(message_id or 0)

    @property
    def text(self) -> str:
        """What the latest message of the reply says."""
        ids = [self.record.message_id, *self.record.followup_ids]
        stored = self.discord.backend.messages.get(self.record.channel_id, {})
        shown = [stored[number] for number in ids if number in stored]
        return shown[-1].content if shown else ""

    @property
    def loading(self) -> bool:
        """Whether the user still reads "thinking…"."""
        return bool(self.record.loading)

    @property
    def finished(self) -> bool:
        """Whether the user has seen the reply: a message, a modal, or a change of the message they pressed."""
        if self.record.deferred:  # only acknowledged so far, also if what it updates stays as it is
            return self.record.token in self.discord.completed
        return bool(self.record.responded)

    async def done(self, seconds: float = PATIENCE_SECONDS) -> "Interaction":
        """Wait for the reply."""
        await self.discord.until(lambda: self.finished, seconds)
        return self


def _kind(value: str | int | Json) -> int:
    if isinstance(value, dict):
        return ATTACHMENT
    if isinstance(value, int):
        return INTEGER
    return ROLE if value.isdecimal() and len(value) >= 17 else TEXT


def _value(value: str | int | Json) -> str | int:
    return str(value["id"]) if isinstance(value, dict) else value
