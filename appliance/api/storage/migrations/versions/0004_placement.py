"""Runs that are placed on one worker at a time: what each asks of a worker, who has it; priorities; drained workers."""

from __future__ import annotations

import sqlalchemy as sa
from alembic import op

revision = "0004"
down_revision = "0003"
branch_labels = None
depends_on = None

_RUN_COLUMNS = (
    "megapixels",
    "memory_bytes",
    "gpu",
    "queued_at",
    "placed_on",
    "workers_lost",
    "refused_by",
    "refused_at",
)


def upgrade() -> None:
    op.add_column("datasets", sa.Column("priority", sa.Integer(), server_default="0", nullable=False))
    op.add_column("runs", sa.Column("megapixels", sa.Double(), server_default="0", nullable=False))
    op.add_column("runs", sa.Column("memory_bytes", sa.BigInteger(), server_default="0", nullable=False))
    op.add_column("runs", sa.Column("gpu", sa.Boolean(), server_default=sa.text("false"), nullable=False))
    op.add_column(
        "runs", sa.Column("queued_at", sa.DateTime(timezone=True), server_default=sa.text("now()"), nullable=False)
    )
    op.add_column("runs", sa.Column("placed_on", sa.Uuid(), nullable=True))
    op.add_column("runs", sa.Column("workers_lost", sa.Integer(), server_default="0", nullable=False))
    op.add_column("runs", sa.Column("refused_by", sa.Uuid(), nullable=True))
    op.add_column("runs", sa.Column("refused_at", sa.DateTime(timezone=True), nullable=True))
    succeeded = sa.text("state = 'succeeded'")
    op.create_index("ix_runs_succeeded", "runs", ["detector", "finished_at"], postgresql_where=succeeded)
    op.create_table(
        "drained_workers",
        sa.Column("name", sa.Text(), nullable=False),
        sa.Column("drained_by", sa.Text(), nullable=False),
        sa.Column("created_at", sa.DateTime(timezone=True), server_default=sa.text("now()"), nullable=False),
        sa.PrimaryKeyConstraint("name", name=op.f("pk_drained_workers")),
    )
    op.execute("UPDATE runs SET queued_at = created_at")
    op.execute(
        "UPDATE runs SET megapixels = (items.scene->>'width')::float8 * (items.scene->>'height')::float8 / 1e6 "
        "FROM items WHERE items.id = runs.item_id AND items.scene IS NOT NULL"
    )
    # Work for the shared queue of older versions: these runs are queued, and are placed from here on.
    op.execute("DELETE FROM outbox WHERE subject LIKE 'detect.%'")


def downgrade() -> None:
    op.drop_table("drained_workers")
    op.drop_index("ix_runs_succeeded", "runs")
    for name in _RUN_COLUMNS:
        op.drop_column("runs", name)
    op.drop_column("datasets", "priority")
