"""The documents keep what they promise: the tests and the files that they name exist."""

import re
from pathlib import Path

import pytest
from refusals import leaves

from fileflare_bot.fileflare.errors import PROBLEMS, BadReference, FileflareBusy
from fileflare_bot.refusal import Refusal
from fileflare_bot.settings import Settings

ROOT = Path(__file__).parents[1]
ROWS = [
    row for row in (ROOT / "SECURITY.md").read_text("utf-8").splitlines() if row.startswith("| ") and "tests/" in row
]
DOCUMENTS = [ROOT / "README.md", *sorted((ROOT / "docs").glob("*.md"))]


def test_every_threat_names_the_test_that_it_is_stopped() -> None:
    table = (ROOT / "SECURITY.md").read_text("utf-8").split("## Who could try what")[1].split("## ")[0]
    threats = [row for row in table.splitlines() if row.startswith("| ")][1:]

    assert threats == ROWS
    assert len(ROWS) >= 15


@pytest.mark.parametrize("row", ROWS)
def test_the_test_that_a_threat_names_exists(row: str) -> None:
    found = re.search(r"`(tests/[\w/]+\.py)::(test_\w+)`", row)

    assert found is not None
    assert re.search(rf"def {found[2]}\(", (ROOT / found[1]).read_text("utf-8"))


@pytest.mark.parametrize("document", DOCUMENTS, ids=lambda path: path.name)
def test_every_picture_and_page_that_a_document_shows_is_there(document: Path) -> None:
    named = re.findall(r"(?:src=\"|\]\()(?!https?:|#)([^\")]+)", document.read_text("utf-8"))

    assert [name for name in named if not (document.parent / name.partition("#")[0]).exists()] == []


def test_every_refusal_is_explained_under_troubleshooting() -> None:
    explained = (ROOT / "docs" / "troubleshooting.md").read_text("utf-8")
    sentences = [
        *(kind.sentence for kind in leaves(Refusal) if kind is not BadReference),
        *PROBLEMS.values(),
        FileflareBusy.without_pause,
    ]
    heads = {found[0] for sentence in sentences if (found := re.match(r"\*\*.+?\*\*", sentence))}

    assert len(heads) >= 40
    assert [head for head in sorted(heads) if head not in explained] == []


def test_every_sentence_under_troubleshooting_is_one_that_the_bot_says() -> None:
    said = "\n".join(path.read_text("utf-8") for folder in ("fileflare_bot", "cogs") for path in sources(folder))
    said = re.sub(r'"\s*\n\s*(?:N_\()?f?"', "", said)  # a sentence over several lines of code
    explained = (ROOT / "docs" / "troubleshooting.md").read_text("utf-8")
    quoted = re.findall(r"^\| (\*\*.+?\*\*)", explained, re.MULTILINE)

    assert len(quoted) >= 40
    assert [head for head in quoted if head not in said] == []


def test_the_operators_table_holds_every_setting_and_no_other() -> None:
    table = (ROOT / "docs" / "operators.md").read_text("utf-8")

    assert re.findall(r"^\| `([A-Z_]+)` \|", table, re.MULTILINE) == [name.upper() for name in Settings.model_fields]


def test_the_readme_takes_two_minutes() -> None:
    assert len((ROOT / "README.md").read_text("utf-8").splitlines()) <= 150


def sources(folder: str) -> list[Path]:
    return sorted((ROOT / folder).rglob("*.py"))
