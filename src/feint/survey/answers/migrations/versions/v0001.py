"""Revision 0001: the tables of judges and answers.  Never edit it: add a revision beside it."""

import sqlalchemy as sa
from alembic import op

revision = "0001"
down_revision = None
branch_labels = None
depends_on = None


def upgrade() -> None:
    """Create both tables."""
    op.create_table(
        "judges",
        sa.Column("study", sa.String(64), primary_key=True),
        sa.Column("id", sa.String(32), primary_key=True),
        sa.Column("token", sa.String(64), nullable=False, unique=True),
        sa.Column("consented", sa.DateTime(timezone=True), nullable=False),
    )
    op.create_table(
        "answers",
        sa.Column("id", sa.BigInteger().with_variant(sa.Integer(), "sqlite"), primary_key=True),
        sa.Column("study", sa.String(64), nullable=False),
        sa.Column("judge", sa.String(32), nullable=False),
        sa.Column("trial", sa.String(64), nullable=False),
        sa.Column("kind", sa.String(20), nullable=False),
        sa.Column("objective", sa.String(64)),
        sa.Column("practice", sa.Boolean(), nullable=False),
        sa.Column("catch", sa.String(20), nullable=False),
        sa.Column("expected", sa.String(100)),
        sa.Column("choice", sa.String(100)),
        sa.Column("rt_ms", sa.Double()),
        sa.Column("position", sa.Integer(), nullable=False),
        sa.Column("received", sa.DateTime(timezone=True), nullable=False),
        sa.Column("raw", sa.Text(), nullable=False),
        sa.UniqueConstraint("study", "judge", "trial", name="one_answer_per_judge_and_trial"),
        sa.ForeignKeyConstraint(
            ["study", "judge"],
            ["judges.study", "judges.id"],
            name="answer_judge",
            ondelete="CASCADE",
        ),
    )


def downgrade() -> None:
    """Drop both tables, and the answers with them."""
    op.drop_table("answers")
    op.drop_table("judges")
