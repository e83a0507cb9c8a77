"""Each encrypted text is bound to its row. No table changes: storage/keys.py encrypts the texts anew, with the keys.

The revision keeps earlier versions, which cannot read them, from starting.
"""

revision = "0006"
down_revision = "0005"


def upgrade() -> None:
    """Change nothing."""
