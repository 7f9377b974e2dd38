"""The trace id of items, runs and waiting messages; answers kept for requests that are sent twice."""

from __future__ import annotations

import sqlalchemy as sa
from alembic import op

revision = "0003"
down_revision = "0002"
branch_labels = None
depends_on = None

_TRACED = ("items", "runs", "outbox")
_FAILING = ("items", "runs")


def upgrade() -> None:
    for table in _TRACED:
        op.add_column(table, sa.Column("trace_id", sa.Text(), nullable=True))
    for table in _FAILING:
        failed = sa.text("state = 'failed'")
        op.create_index(f"ix_{table}_failed", table, ["heard_at"], unique=False, postgresql_where=failed)
    op.create_table(
        "idempotency_keys",
        sa.Column("principal_id", sa.Uuid(), nullable=False),
        sa.Column("key_hash", sa.LargeBinary(), nullable=False),
        sa.Column("fingerprint", sa.LargeBinary(), nullable=False),
        sa.Column("answer", sa.LargeBinary(), nullable=True),
        sa.Column("created_at", sa.DateTime(timezone=True), server_default=sa.text("now()"), nullable=False),
        sa.ForeignKeyConstraint(
            ["principal_id"],
            ["principals.id"],
            name=op.f("fk_idempotency_keys_principal_id"),
            ondelete="CASCADE",
        ),
        sa.PrimaryKeyConstraint("principal_id", "key_hash", name=op.f("pk_idempotency_keys")),
    )
    op.create_index(op.f("ix_idempotency_keys_created_at"), "idempotency_keys", ["created_at"], unique=False)


def downgrade() -> None:
    op.drop_table("idempotency_keys")
    for table in _FAILING:
        op.drop_index(f"ix_{table}_failed", table)
    for table in _TRACED:
        op.drop_column(table, "trace_id")
