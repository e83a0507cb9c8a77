"""What the owner reads about a file of settings that cannot be used: where it is wrong, and what belongs there."""

import json
from typing import Any

import pytest
from desk import Desk, reply
from hypothesis import given
from hypothesis import strategies as st

from fileflare_bot.demo import orders
from fileflare_bot.i18n import Catalogs
from fileflare_bot.store import settings_file
from fileflare_bot.store.changes import WrongValue
from fileflare_bot.store.json_lines import line_of
from fileflare_bot.store.settings_file import NotSettings

MARK = "here"
OPENS = "everybody could open that order."
FULL: dict[str, Any] = {
    "version": 1,
    "moderator_roles": ["a", "b", "c"],
    "answers": [{"name": "a", "text": "b"}, {"name": "c", "text": "d\ne"}],
    "rules": [{"match": "any_order", "roles": ["a"]}, {"match": "tag", "value": "books", "roles": ["a"]}],
    "options": {"wording": {"title": 'Your {books}, "all"', "colour": "#aa0000"}, "leak_guard": True},
}
GOOD: dict[str, Any] = {"version": 1, "options": {}}
CATALOGS = Catalogs()
PARSERS_WORDS = ("Invalid JSON", "Input should", "EOF", "Value error", "Field required", "Extra inputs", "valid ")


def refusal(content: bytes) -> WrongValue:
    """Return the refusal of a file."""
    with pytest.raises(WrongValue) as refused:
        settings_file._read(content, CATALOGS.languages)  # noqa: SLF001 - without a guild
    return refused.value


@pytest.mark.parametrize(
    ("content", "said"),
    [
        (b'{\n  "version": 1,\n', "the file breaks off in line 3, column 1: the rest is missing"),
        (b'{"version" 1}', "the file needs a colon in line 1, column 12"),
        (b'{"version": 1\n "options": {}}', "the file needs a comma or a closing bracket after line 1."),
        (
            b'{"version": 1,\n"options": {"leak_guard": true}\n\n "answers": []}',
            "the file needs a comma or a closing bracket after line 2.",
        ),
        (b'{"version": 1 "options": {}}', "the file needs a comma or a closing bracket in line 1, column 15."),
        (b'{"bad": ', "the file breaks off in line 1, column 8: the rest is missing"),
        (b"{version: 1}", "the file needs a name in double quotes in line 1, column 2"),
        (b"{'version': 1}", "the file needs a name in double quotes in line 1, column 2"),
        (b'{"version": 1,}', "the file has a comma too many before line 1, column 15"),
        (b'{"version": 1} // old', "the file must end before line 1, column 16"),
        (b'{"version": "a\nb"}', "the file has a line break or a tab inside a text before line 2, column 1"),
        (rb'{"version": "C:\x"}', "the file has a backslash in line 1, column 17 that means nothing; write it twice"),
        (b'{"version": ' + b"[" * 9000, "the file has too many brackets inside each other in line 1, column 213"),
        (b'{"version": "\xff"}', "the file is no UTF-8 in line 1, column 14; save it as UTF-8"),
        (b'{"version": one}', "the file needs a value in line 1, column 13: text in double quotes, a number, true,"),
        (b'{"version": 1}', "`options` is missing in what begins in line 1."),
        (b'{"version": 1.5, "options": {}}', "`version` in line 1 must be a whole number."),
        (b'{"version": 0, "options": {}}', "`version` in line 1 must be 1 at least."),
        (b'{"version": 2, "options": {}}', "`version` in line 1 must be 1 at most."),
        (
            b'{"version": 1, "log_channel": 7, "options": {}}',
            "**Log channel** (`log_channel`) in line 1 must be text in double quotes.",
        ),
        (
            b'{"version": 1, "log_channel": "", "options": {}}',
            "**Log channel** (`log_channel`) in line 1 must not be empty.",
        ),
        (b'{"version": 1, "answers": {}, "options": {}}', "**Saved answers** (`answers`) in line 1 must be a list."),
        (
            b'{"version": 1, "options": {\n"leak_guard": "maybe"}}',
            "**Leak guard** (`options.leak_guard`) in line 2 must be true or false.",
        ),
        (
            b'{"version": 1, "options": {"accounts_per_order":\n 0}}',
            "**Accounts an order counts for** (`options.accounts_per_order`) in line 1 must be a whole number from",
        ),
        (
            b'{"version": 1,\n"options": {"help_open_per_person": "x"}}',
            "**Open help requests of a person** (`options.help_open_per_person`) in line 2 must be a whole number",
        ),
        (
            b'{"version": 1, "options": {"wording": {"colour": "red"}}}',
            "**Colour** (`options.wording.colour`) in line 1 must look ",
        ),
        (
            b'{"version": 1, "options": {"wording": {"account_url": "no"}}}',
            "**Where do I find my order link?** (`options.wording.account_url`) in line 1 must be an address such as https://my-store.com/account.",
        ),
        (
            b'{"version": 1, "options": {"language": "%s"}}' % (b"x" * 11),
            "**Language** (`options.language`) in line 1 must have 10 characters at most.",
        ),
        (
            b'{"version": 1, "options": {"language": "klingon"}}',
            "**Language** (`options.language`) in line 1 must be one of these: en, de.",
        ),
        (
            b'{"version": 1, "options": {}, "rules": [{"match": "any", "roles": ["a"]}]}',
            r"**Rules for buyers' roles** (`rules.0.match`) in line 1 must be one of these: 'any\_order', 'product\_",
        ),
        (
            b'{"version": 1, "options": {}, "rules": [{"match": "any_order", "roles": []}]}',
            "**Rules for buyers' roles** (`rules.0.roles`) in line 1 must have an entry.",
        ),
        (
            b'{"version": 1, "options": {}, "rules": [\n{"match": "product_id", "value": "book", "roles": ["a"]}]}',
            "**Rules for buyers' roles** (`rules.0.value`) in line 2 must be Shopify's number of the product or",
        ),
        (
            b'{"version": 1, "options": {}, "rules": [{"match": "tag", "roles": ["a"]}]}',
            "**Rules for buyers' roles** (`rules.0.value`) in line 1 must not be empty.",
        ),
    ],
    ids=lambda value: str(value)[:40],
)
def test_it_says_in_words_where_a_file_is_wrong_and_what_belongs_there(content: bytes, said: str) -> None:
    error = refusal(content)

    assert error.text(CATALOGS.translator("en")).startswith(f"**Nothing was changed:** {said}")
    german = error.text(CATALOGS.translator("de"))
    assert german.startswith("**Nichts wurde geändert:** ")
    assert not any(word in german for word in (*PARSERS_WORDS, " the ", " must ", " needs "))


@pytest.mark.parametrize(
    ("name", "content"),
    [
        ("settings.json", b""),
        ("settings.json", b"[]"),
        ("settings.json", b"# settings"),
        ("settings.json", b'{"name": "another-program", "version": "1.0.0"}'),
        ("settings.json", b'{"colour": "red"}'),
        ("settings.json", b"[" * 9000),
        ("notes.txt", b"version 1, options"),
        ("picture.png", b"\x89PNG\r\n\x1a\n" + b"x" * 300_000),
    ],
    ids=lambda value: str(value)[:30],
)
async def test_something_else_is_said_to_be_no_settings_file(desk: Desk, name: str, content: bytes) -> None:
    refused = await desk.owner.slash(desk.channel, "store import", file=(name, content))

    assert reply(refused).content == (
        "**This is not a settings file.** Nothing was changed. Use the .json file that /store export gave you."
    )


def test_the_mark_that_some_editors_put_at_the_beginning_is_no_fault() -> None:
    assert settings_file._read(b"\xef\xbb\xbf" + json.dumps(GOOD).encode(), ()).version == 1  # noqa: SLF001 - without a guild


@pytest.mark.parametrize(
    "name",
    [
        "`@everyone` [free files](https://evil.example)",
        "``` \n# Big\n> quoted",
        "<@&123> <#456> </privacy:789>",
        "||spoiler||\u202e\u0000",
        "x" * 100_000,
    ],
    ids=lambda name: name[:12],
)
@pytest.mark.parametrize("locale", ["en-US", "de"])
async def test_a_name_in_a_file_is_repeated_without_effect_and_never_as_a_whole(
    desk: Desk, name: str, locale: str
) -> None:
    desk.speaks(desk.owner, locale)
    content = json.dumps(GOOD | {name: 1}).encode()

    refused = reply(await desk.owner.slash(desk.channel, "store import", file=("settings.json", content)))

    code, text = refused.content.split("`")[1::2], "".join(refused.content.split("`")[::2])
    assert len(code) == 1
    assert "\n" not in refused.content
    assert len(refused.content) < 170
    assert text in {
        "**Nothing was changed:**  in line 1 is no setting; take it out.",
        "**Nichts wurde geändert:**  in Zeile 1 ist keine Einstellung; nimm es heraus.",
    }
    assert not any(character in refused.content for character in "\u202e\u0000")


@pytest.mark.parametrize(
    ("path", "value", "said"),
    [
        (
            ("options", "wording", "colour"),
            "crimson",
            "**Colour** (`options.wording.colour`) in line {line} must look like #",
        ),
        (
            ("options", "leak_guard"),
            "crimson",
            "**Leak guard** (`options.leak_guard`) in line {line} must be true or false.",
        ),
        (
            ("rules", 1, "match"),
            "crimson",
            "**Rules for buyers' roles** (`rules.1.match`) in line {line} must be one of these: ",
        ),
        (
            ("answers", 0, "text"),
            "Hi {crimson}!",
            "**Saved answers** (`answers.0.text`) in line {line} holds a placeholder that nothing fills; those are {{",
        ),
        (("answers", 1, "name"), "a", "**Saved answers** (`answers.1.name`) in line {line} is there twice."),
        (("moderator_roles", 2), "", "**Moderator roles** (`moderator_roles.2`) in line {line} must not be empty."),
        *(
            (
                ("answers", 1, field),
                orders.DOCUMENTED,
                f"**Saved answers** (`answers.1.{field}`) in line {{line}} must not hold the link of an order: {OPENS}",
            )
            for field in ("name", "text")
        ),
    ],
)
@pytest.mark.parametrize("indent", [2, None, 7])
async def test_a_mistake_in_an_exported_file_is_found_in_its_line_and_is_not_repeated(
    desk: Desk, path: tuple[str | int, ...], value: object, said: str, indent: int | None
) -> None:
    file = json.loads(json.dumps(FULL))
    within = file
    for part in path[:-1]:
        within = within[part]
    within[path[-1]] = MARK
    line = json.dumps(file, indent=indent).split(MARK)[0].count("\n") + 1
    within[path[-1]] = value
    content = json.dumps(file, indent=indent).encode()

    refused = reply(await desk.owner.slash(desk.channel, "store import", file=("settings.json", content)))

    assert refused.content.startswith("**Nothing was changed:** " + said.format(line=line))
    assert "crimson" not in refused.content


async def test_all_mistakes_of_a_file_are_named_at_once_but_at_most_five(desk: Desk) -> None:
    wrong = dict.fromkeys(("leak_guard", "saved_orders", "help_screenshots", "buyers_roles"), "maybe")
    rules = [{"match": "product_id", "value": "book", "roles": ["a"]}, {"match": "any", "roles": ["a"]}]
    file = {"version": 1, "rules": rules, "options": wrong}

    content = json.dumps(file, indent=2).encode()
    refused = reply(await desk.owner.slash(desk.channel, "store import", file=("settings.json", content))).content

    assert refused.splitlines()[0] == "**Nothing was changed:** these fields are not right yet."
    assert [line.partition(" must ")[0] for line in refused.splitlines()[1:]] == [
        "• **Rules for buyers' roles** (`rules.0.value`) in line 6",
        "• **Rules for buyers' roles** (`rules.1.match`) in line 12",
        "• **Screenshots** (`options.help_screenshots`) in line 21",
        "• **Buyers' roles** (`options.buyers_roles`) in line 22",
        "• **Saved orders** (`options.saved_orders`) in line 20",
    ]
    file = {"version": 1, "support_channel": "nowhere", "log_channel": "log", "ping_role": "nobody"}
    answers = [{"name": "a", "text": "b"}, {"name": "a", "text": "{b}"}]
    file |= {"answers": answers, "options": {"accounts_per_order": 500, "language": "klingon"}}
    content = json.dumps(file, indent=2).encode()
    refused = reply(await desk.owner.slash(desk.channel, "store import", file=("settings.json", content))).content
    expected = (
        "**Saved answers** (`answers.1.name`) in line 12 is there twice.",
        "**Saved answers** (`answers.1.text`) in line 13 holds a placeholder that nothing fills;",
        "**Language** (`options.language`) in line 18 must be one of these: en, de.",
        "**Accounts an order counts for** (`options.accounts_per_order`) in line 17 must be a whole number from 1 to",
        "**Support channel** (`support_channel`) in line 3 is no channel of this server.",
    )
    said = refused.splitlines()[1:]
    assert all(line.startswith(f"• {start}") for line, start in zip(said, expected, strict=True))
    wording = {"text": f"https://my-store.com/account/orders/{orders.DOCUMENTED}"}
    content = json.dumps({"version": 1, "options": {"language": "klingon", "wording": wording}}).encode()
    refused = reply(await desk.owner.slash(desk.channel, "store import", file=("settings.json", content))).content
    assert [line.partition("**")[2].partition("**")[0] for line in refused.splitlines()[1:]] == ["Language", "Text"]
    assert orders.DOCUMENTED not in refused
    answers = [{"name": "a", "text": "{b}"}, {"name": "c", "text": "d"}, {"name": "c", "text": "e"}]
    content = json.dumps({"version": 1, "answers": answers, "options": {}}).encode()
    refused = reply(await desk.owner.slash(desk.channel, "store import", file=("settings.json", content))).content
    assert [line.partition(" in line ")[0] for line in refused.splitlines()[1:]] == [
        "• **Saved answers** (`answers.0.text`)",
        "• **Saved answers** (`answers.2.name`)",
    ]


@pytest.mark.parametrize(
    ("text", "path", "line"),
    [
        ('{"a": 1, "b": [1,\n{"c": 2}]}', ("b", 1, "c"), 2),
        ('\n\n{"a":\n\n\n2}', ("a",), 3),
        ('{"a": {"b": 1},\n"a": {"b": 2}}', ("a", "b"), 2),
        ('{"a, b: {": "}",\n"\\"": [[],\n[7]]}', ('"', 1, 0), 3),
        ('{"a": 1}', ("b",), None),
        ('{"a": 1}', ("a", "b"), None),
        ("[]", (0,), None),
        ('{"a": ' + "9" * 5000 + ',\n"b": 1e999}', ("b",), 2),
        ("7", (), 1),
    ],
    ids=lambda value: str(value)[:20],
)
def test_the_line_of_a_value_is_found_in_any_layout(text: str, path: tuple[str | int, ...], line: int | None) -> None:
    assert line_of(text, path) == line


@given(st.binary(max_size=60), st.integers(0, 400), st.integers(0, 20))
def test_whatever_is_done_to_a_file_no_parsers_words_are_told(noise: bytes, at: int, cut: int) -> None:
    good = json.dumps(
        GOOD | {"rules": [{"match": "tag", "value": "a", "roles": ["b"]}], "answers": [{"name": "a", "text": "b"}]}
    ).encode()
    at %= len(good)
    try:
        settings_file._read(good[:at] + noise + good[at + cut :], ())  # noqa: SLF001 - without a guild
    except NotSettings:
        pass
    except WrongValue as error:
        text = error.text(CATALOGS.translator("en"))
        assert text.startswith("**Nothing was changed:** ")
        assert not any(word in text for word in PARSERS_WORDS)
        assert len(text) <= 400
