"""The tables. migrations/versions makes them; a test compares both. Structured values that only travel are JSONB."""

from __future__ import annotations

from geoalchemy2 import Geometry
from sqlalchemy import (
    BigInteger,
    Boolean,
    CheckConstraint,
    Column,
    DateTime,
    Double,
    ForeignKey,
    ForeignKeyConstraint,
    Index,
    Integer,
    LargeBinary,
    MetaData,
    PrimaryKeyConstraint,
    Table,
    Text,
    UniqueConstraint,
    Uuid,
    func,
    text,
)
from sqlalchemy.dialects.postgresql import ARRAY, JSONB, REAL

metadata = MetaData(
    naming_convention={
        "ix": "ix_%(table_name)s_%(column_0_N_name)s",
        "uq": "uq_%(table_name)s_%(column_0_N_name)s",
        "ck": "ck_%(table_name)s_%(constraint_name)s",
        "fk": "fk_%(table_name)s_%(column_0_N_name)s",
        "pk": "pk_%(table_name)s",
    }
)


def _moment(name: str, nullable: bool = False) -> Column[object]:
    return Column(name, DateTime(timezone=True), nullable=nullable, server_default=None if nullable else func.now())


def _geometry(name: str, srid: int, nullable: bool) -> Column[object]:
    """SRID 0 in the column's type lets any in: WGS84, or 0 for pixels."""
    return Column(name, Geometry("GEOMETRY", srid=srid, spatial_index=False), nullable=nullable)


principals = Table(
    "principals",
    metadata,
    Column("id", Uuid, primary_key=True),
    Column("name", Text, nullable=False, unique=True),
    Column("role", Text, CheckConstraint("role IN ('administrator', 'analyst')", name="role"), nullable=False),
    Column("password_hash", Text),
    _moment("created_at"),
)

sessions = Table(
    "sessions",
    metadata,
    Column("secret_hash", LargeBinary, primary_key=True),
    Column("principal_id", ForeignKey(principals.c.id, ondelete="CASCADE"), nullable=False, index=True),
    _moment("created_at"),
    Column("expires_at", DateTime(timezone=True), nullable=False, index=True),
)

tokens = Table(
    "tokens",
    metadata,
    Column("id", Uuid, primary_key=True),
    Column("principal_id", ForeignKey(principals.c.id, ondelete="CASCADE"), nullable=False, index=True),
    Column("name", Text, nullable=False),
    Column("secret_hash", LargeBinary, nullable=False, unique=True),
    _moment("created_at"),
    _moment("last_used_at", nullable=True),
)

links = Table(
    "links",
    metadata,
    Column("secret_hash", LargeBinary, primary_key=True),
    Column("principal_name", Text, nullable=False),
    Column("role", Text, nullable=False),
    Column("expires_at", DateTime(timezone=True), nullable=False, index=True),
    _moment("used_at", nullable=True),
)

sign_in_failures = Table(
    "sign_in_failures",
    metadata,
    Column("id", BigInteger, primary_key=True),
    Column("key", Text, nullable=False),
    _moment("at"),
    Index(None, "key", "at"),
)

datasets = Table(
    "datasets",
    metadata,
    Column("id", Uuid, primary_key=True),
    Column("name", Text, nullable=False, unique=True),
    Column("title", Text, nullable=False),
    Column("priority", Integer, nullable=False, server_default="0"),
    _moment("created_at"),
)

items = Table(
    "items",
    metadata,
    Column("id", Uuid, primary_key=True),
    Column("dataset_id", ForeignKey(datasets.c.id, ondelete="CASCADE"), nullable=False),
    Column("name", Text, nullable=False),
    Column("state", Text, nullable=False),
    Column("size_bytes", BigInteger, nullable=False),
    Column("sha256", Text, nullable=False),
    Column("attempt", Integer, nullable=False, server_default="0"),
    Column("progress_percent", Double, nullable=False, server_default="0"),
    Column("scene", JSONB(none_as_null=True)),
    Column("assets", JSONB, nullable=False, server_default=text("'[]'::jsonb")),
    Column("reason", JSONB(none_as_null=True)),
    Column("upload_id", Text),
    Column("part_size_bytes", BigInteger, nullable=False, server_default="0"),
    Column("annotations_version", BigInteger, nullable=False, server_default="0"),
    Column("trace_id", Text),
    _moment("created_at"),
    _moment("heard_at"),
    UniqueConstraint("dataset_id", "name"),
    Index(None, "dataset_id", "created_at", "id"),
    Index("ix_items_unfinished", "heard_at", postgresql_where=text("state NOT IN ('ready', 'failed')")),
    Index("ix_items_failed", "heard_at", postgresql_where=text("state = 'failed'")),
)

detectors = Table(
    "detectors",
    metadata,
    Column("name", Text, nullable=False),
    Column("version", Text, nullable=False),
    Column("digest", Text, nullable=False),
    Column("manifest", JSONB, nullable=False),
    Column("subscribe", ARRAY(Text), nullable=False, server_default=text("'{}'")),
    Column("ready", Boolean, nullable=False, server_default=text("false")),
    Column("files", JSONB, nullable=False),
    _moment("created_at"),
    PrimaryKeyConstraint("name", "version"),
    Index("ix_detectors_subscribe", "subscribe", postgresql_using="gin"),
)

# On a cluster: what each Detector says (following/said.py). `filled` up to which item those that were there have their runs.
followed_detectors = Table(
    "followed_detectors",
    metadata,
    Column("name", Text, primary_key=True),
    Column("uid", Text, nullable=False),
    Column("resource_version", BigInteger, nullable=False),
    Column("serving_version", Text),
    Column("serving_digest", Text),
    Column("canary_version", Text),
    Column("canary_digest", Text),
    Column("canary_percent", Integer, nullable=False, server_default="0"),
    Column("subscriptions", JSONB, nullable=False),
    Column("suspended", Boolean, nullable=False, server_default=text("false")),
    Column("filled", Boolean, nullable=False, server_default=text("false")),
    Column("filled_to", Uuid),
)

runs = Table(
    "runs",
    metadata,
    Column("id", Uuid, primary_key=True),
    Column("item_id", ForeignKey(items.c.id, ondelete="CASCADE"), nullable=False),
    Column("detector", Text, nullable=False),
    Column("version", Text, nullable=False),
    Column("state", Text, nullable=False),
    Column("attempt", Integer, nullable=False, server_default="1"),
    Column("progress", JSONB, nullable=False),
    Column("worker", Text),
    # What it asks of a worker, and the one that has it; placement alone sets these.
    Column("megapixels", Double, nullable=False, server_default="0"),
    Column("memory_bytes", BigInteger, nullable=False, server_default="0"),
    Column("gpu", Boolean, nullable=False, server_default=text("false")),
    _moment("queued_at"),
    Column("placed_on", Uuid),
    Column("workers_lost", Integer, nullable=False, server_default="0"),
    Column("refused_by", Uuid),
    _moment("refused_at", nullable=True),
    Column("trace_id", Text),
    Column("summary", JSONB(none_as_null=True)),
    Column("reason", JSONB(none_as_null=True)),
    _moment("created_at"),
    _moment("started_at", nullable=True),
    _moment("finished_at", nullable=True),
    _moment("heard_at"),
    ForeignKeyConstraint(["detector", "version"], ["detectors.name", "detectors.version"]),
    Index(None, "item_id", "created_at"),
    Index(None, "created_at", "id"),
    Index(None, "detector", "version"),
    Index("ix_runs_unfinished", "heard_at", postgresql_where=text("state IN ('queued', 'running', 'ingesting')")),
    Index("ix_runs_failed", "heard_at", postgresql_where=text("state = 'failed'")),
    Index("ix_runs_succeeded", "detector", "finished_at", postgresql_where=text("state = 'succeeded'")),
)

detections = Table(
    "detections",
    metadata,
    # No foreign key: it would be asked of every row of a million. A trigger on runs removes these (migration 0005).
    Column("run_id", Uuid, nullable=False),
    Column("ordinal", BigInteger, nullable=False),
    Column("label", Text, nullable=False),
    Column("score", REAL, nullable=False),
    Column("x", Double, nullable=False),
    Column("y", Double, nullable=False),
    Column("width", Double, nullable=False),
    Column("height", Double, nullable=False),
    Column("angle_degrees", Double, nullable=False),
    Column("area_square_metres", Double),
    _geometry("geometry", 0, nullable=False),
    _geometry("map_geometry", 3857, nullable=False),
    PrimaryKeyConstraint("run_id", "ordinal"),
    # run_id first (btree_gist): every item without georeference lies at the map's origin, on top of all the others.
    Index("ix_detections_map", "run_id", "map_geometry", postgresql_using="gist"),
)

# One row for a run that was taken in since they are kept: label -> how many by hundredth of the score.
histograms = Table(
    "histograms",
    metadata,
    Column("run_id", ForeignKey(runs.c.id, ondelete="CASCADE"), primary_key=True),
    Column("counts", JSONB, nullable=False),
)

annotation_table = Table(
    "annotations",
    metadata,
    Column("id", Uuid, primary_key=True),
    Column("item_id", ForeignKey(items.c.id, ondelete="CASCADE"), nullable=False),
    Column("label", Text, nullable=False),
    Column("x", Double, nullable=False),
    Column("y", Double, nullable=False),
    Column("width", Double, nullable=False),
    Column("height", Double, nullable=False),
    Column("angle_degrees", Double, nullable=False),
    Column("polygon", JSONB(none_as_null=True)),
    Column("attributes", JSONB, nullable=False),
    Column("source", Text, nullable=False),
    Column("created_by", Text, nullable=False),
    _moment("created_at"),
    # Null until the item is ready: only then is it known where its pixels lie.
    _geometry("geometry", 0, nullable=True),
    _geometry("map_geometry", 3857, nullable=True),
    Column("verdict", Text, nullable=False, server_default="accepted"),
    Column("revision", BigInteger, nullable=False, server_default="1"),
    # Null where nobody has changed it since it was made.
    Column("changed_by", Text),
    _moment("changed_at", nullable=True),
    # A tombstone: the row stays, so that it can be restored, and so that an import does not bring it back.
    _moment("deleted_at", nullable=True),
    Column("origin_run_id", Uuid),
    Column("origin_ordinal", BigInteger),
    # Of an imported annotation that a person changed: whose it was, and the digest of what that source said.
    Column("imported_from", Text),
    Column("imported_digest", LargeBinary),
    CheckConstraint("verdict IN ('accepted', 'rejected')", name="verdict"),
    Index(None, "item_id", "source"),
    Index("ix_annotations_imported", "item_id", "imported_from", postgresql_where=text("imported_from IS NOT NULL")),
    Index("ix_annotations_map", "item_id", "map_geometry", postgresql_using="gist"),
)

snapshots = Table(
    "snapshots",
    metadata,
    Column("digest", Text, primary_key=True),
    Column("dataset_id", ForeignKey(datasets.c.id, ondelete="CASCADE"), nullable=False),
    Column("manifest", JSONB, nullable=False),
    Column("created_by", Text, nullable=False),
    _moment("created_at"),
    Index(None, "dataset_id", "created_at"),
)

snapshot_items = Table(
    "snapshot_items",
    metadata,
    Column("digest", ForeignKey(snapshots.c.digest, ondelete="CASCADE"), nullable=False),
    Column("item_id", ForeignKey(items.c.id), nullable=False, index=True),
    PrimaryKeyConstraint("digest", "item_id"),
)

drained_workers = Table(
    "drained_workers",
    metadata,
    Column("name", Text, primary_key=True),
    Column("drained_by", Text, nullable=False),
    _moment("created_at"),
)

outbox = Table(
    "outbox",
    metadata,
    Column("id", BigInteger, primary_key=True),
    Column("subject", Text, nullable=False),
    Column("message_id", Text, nullable=False),
    Column("body", JSONB, nullable=False),
    Column("trace_id", Text),
    _moment("created_at"),
)

idempotency_keys = Table(
    "idempotency_keys",
    metadata,
    Column("principal_id", ForeignKey(principals.c.id, ondelete="CASCADE"), nullable=False),
    Column("key_hash", LargeBinary, nullable=False),
    Column("fingerprint", LargeBinary, nullable=False),
    # Null while the first request with this key is being answered. Sealed with the key, of which only a hash is kept.
    Column("answer", LargeBinary),
    _moment("created_at"),
    PrimaryKeyConstraint("principal_id", "key_hash"),
    Index(None, "created_at"),
)

# One row, written by migrate.py: the newest revision that code has to know to work with these tables.
schema_compatibility = Table("schema_compatibility", metadata, Column("oldest_code", Text, nullable=False))

removals = Table(
    "removals",
    metadata,
    Column("prefix", Text, primary_key=True),
    _moment("created_at"),
)
