"""Who asks: the account behind a session or a token. Made by services/accounts.py, read by routes."""

from __future__ import annotations

from dataclasses import dataclass
from datetime import datetime
from uuid import UUID

from appliance.api.views.accounts import Role


@dataclass(frozen=True)
class Principal:
    id: UUID
    name: str
    role: Role
    has_password: bool
    expires_at: datetime | None
    """When the session ends; None for a token."""
