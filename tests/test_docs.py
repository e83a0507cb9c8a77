"""The documents keep what they promise: the tests and the files that they name exist."""

import re
from pathlib import Path

import pytest

ROOT = Path(__file__).parents[1]
ROWS = [
    row for row in (ROOT / "SECURITY.md").read_text("utf-8").splitlines() if row.startswith("| ") and "tests/" in row
]
DOCUMENTS = [ROOT / "README.md", *sorted((ROOT / "docs").glob("*.md"))]


def test_every_threat_names_what_shows_that_it_is_stopped() -> None:
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

    assert [name for name in named if not (document.parent / name).exists()] == []
