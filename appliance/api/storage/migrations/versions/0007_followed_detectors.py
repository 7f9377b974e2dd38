"""What the Detectors of a cluster say: which version serves, which is the canary, whose items get runs. And which code may use
these tables: while a cluster is upgraded pods of the version before work on beside the new ones."""

from __future__ import annotations

import sqlalchemy as sa
from alembic import op
from sqlalchemy.dialects import postgresql

revision = "0007"
down_revision = "0006"
branch_labels = None
depends_on = None
expands = True


def upgrade() -> None:
    op.create_table(
        "followed_detectors",
        sa.Column("name", sa.Text(), nullable=False),
        sa.Column("uid", sa.Text(), nullable=False),
        sa.Column("resource_version", sa.BigInteger(), nullable=False),
        sa.Column("serving_version", sa.Text(), nullable=True),
        sa.Column("serving_digest", sa.Text(), nullable=True),
        sa.Column("canary_version", sa.Text(), nullable=True),
        sa.Column("canary_digest", sa.Text(), nullable=True),
        sa.Column("canary_percent", sa.Integer(), server_default="0", nullable=False),
        sa.Column("subscriptions", postgresql.JSONB(), nullable=False),
        sa.Column("suspended", sa.Boolean(), server_default=sa.text("false"), nullable=False),
        sa.Column("filled", sa.Boolean(), server_default=sa.text("false"), nullable=False),
        sa.Column("filled_to", sa.Uuid(), nullable=True),
        sa.PrimaryKeyConstraint("name", name=op.f("pk_followed_detectors")),
    )
    op.create_table("schema_compatibility", sa.Column("oldest_code", sa.Text(), nullable=False))


def downgrade() -> None:
    op.drop_table("schema_compatibility")
    op.drop_table("followed_detectors")
