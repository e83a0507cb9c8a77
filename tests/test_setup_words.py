"""What a change of the setup is called in the log channel."""

import pytest

from fileflare_bot.i18n import Catalogs
from fileflare_bot.setup_words import change_lines
from fileflare_bot.storage.records import SettingChange
from fileflare_bot.storage.setup_changes import ANSWER_TEXTS, NAMED

ENGLISH = Catalogs().translator("en")


@pytest.mark.parametrize(
    ("changes", "line"),
    [
        ([SettingChange("language", None, "pt_BR")], "• Language: the server's own → Portuguese (Brazil)"),
        ([SettingChange("rules", 1, 2)], "• Rules for buyers' roles: 1 taken away, 2 added"),
        ([SettingChange(ANSWER_TEXTS, None, 3)], "• Saved answers that get another text: 3"),
        (
            [SettingChange("products", 0, 3), SettingChange(f"products{NAMED}", [], [["Book", "7"], ["", "8"]])],
            "• Confirmed products: added: Book `7`, ? `8`, … and 1 more",
        ),
    ],
)
def test_what_is_counted_or_named_is_said_in_a_line(changes: list[SettingChange], line: str) -> None:
    assert change_lines(changes, ENGLISH) == [line]
