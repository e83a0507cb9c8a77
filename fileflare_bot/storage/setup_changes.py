"""What differs between two states of a guild's settings, for the log and for whoever is about to replace them."""

from collections.abc import Hashable, Iterable, Iterator
from typing import Final

from fileflare_bot.storage.options import Options, Wording
from fileflare_bot.storage.records import GuildSettings, SettingChange

ANSWERS: Final = "canned_answers"
ANSWER_TEXTS: Final = "canned_texts"  # of the answers that keep their name
_CHANNELS_AND_ROLES: Final = ("support_channel_id", "log_channel_id", "ping_role_id", "moderator_role_ids")
_LISTS: Final = ("rules", "products")


def changes_between(before: GuildSettings, after: GuildSettings) -> list[SettingChange]:
    """Return the settings that differ, in the order of the setup page."""
    found = [
        SettingChange(name, _plain(getattr(before, name)), _plain(getattr(after, name)))
        for name in _CHANNELS_AND_ROLES
        if getattr(before, name) != getattr(after, name)
    ]
    return [*found, *_of_options(before.options, after.options), *_of_answers(before, after)]


def _of_options(before: Options, after: Options) -> Iterator[SettingChange]:
    old, new = before.model_dump(mode="json"), after.model_dump(mode="json")
    for name in Options.model_fields:
        if old[name] == new[name]:
            continue
        if name == "wording":
            words = [field for field in Wording.model_fields if old[name][field] != new[name][field]]
            yield SettingChange(name, None, words)
        elif name in _LISTS:
            yield _counted(name, getattr(before, name), getattr(after, name))
        else:
            yield SettingChange(name, old[name], new[name])


def _of_answers(before: GuildSettings, after: GuildSettings) -> Iterator[SettingChange]:
    old = {answer.name: answer.text for answer in before.canned_answers}
    new = {answer.name: answer.text for answer in after.canned_answers}
    if old.keys() != new.keys():
        yield _counted(ANSWERS, old, new)
    if others := sum(old[name] != new[name] for name in old.keys() & new.keys()):
        yield SettingChange(ANSWER_TEXTS, None, others)


def _counted(name: str, before: Iterable[Hashable], after: Iterable[Hashable]) -> SettingChange:
    old, new = set(before), set(after)
    return SettingChange(name, len(old - new), len(new - old))


def _plain(value: object) -> object:
    return list(value) if isinstance(value, tuple) else value
