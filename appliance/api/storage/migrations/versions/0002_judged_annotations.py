"""Annotations that people make, change and take away on the page: verdict, revision, origin, tombstone."""

from __future__ import annotations

import sqlalchemy as sa
from alembic import op

revision = "0002"
down_revision = "0001"
branch_labels = None
depends_on = None


def upgrade() -> None:
    op.add_column("annotations", sa.Column("verdict", sa.Text(), server_default="accepted", nullable=False))
    op.create_check_constraint("verdict", "annotations", "verdict IN ('accepted', 'rejected')")
    op.add_column("annotations", sa.Column("revision", sa.BigInteger(), server_default="1", nullable=False))
    op.add_column("annotations", sa.Column("changed_by", sa.Text(), nullable=True))
    op.add_column("annotations", sa.Column("changed_at", sa.DateTime(timezone=True), nullable=True))
    op.add_column("annotations", sa.Column("deleted_at", sa.DateTime(timezone=True), nullable=True))
    op.add_column("annotations", sa.Column("origin_run_id", sa.Uuid(), nullable=True))
    op.add_column("annotations", sa.Column("origin_ordinal", sa.BigInteger(), nullable=True))
    op.add_column("annotations", sa.Column("imported_from", sa.Text(), nullable=True))
    op.add_column("annotations", sa.Column("imported_digest", sa.LargeBinary(), nullable=True))
    op.create_index(
        "ix_annotations_imported",
        "annotations",
        ["item_id", "imported_from"],
        unique=False,
        postgresql_where=sa.text("imported_from IS NOT NULL"),
    )
