"""Bodies of sign-in, links and tokens. Used by routes/session.py, routes/tokens.py and services/accounts.py."""

from __future__ import annotations

from enum import StrEnum
from typing import Annotated
from uuid import UUID

from pydantic import Field, StringConstraints, model_validator

from appliance.contracts.base import Contract, Instant

AccountName = Annotated[str, StringConstraints(pattern=r"^[A-Za-z0-9][A-Za-z0-9._@-]{0,62}$")]
"""Who signs in: letters, digits, and . _ @ - ."""

Secret = Annotated[str, StringConstraints(min_length=1, max_length=256)]


class Role(StrEnum):
    ADMINISTRATOR = "administrator"
    ANALYST = "analyst"


class SignIn(Contract):
    """Either the secret of a one-time link (the part after `#link=` of its address), or a name and a password."""

    link: Secret | None = None
    name: AccountName | None = None
    password: Annotated[str, StringConstraints(min_length=1, max_length=1024)] | None = None

    @model_validator(mode="after")
    def _one_way(self) -> SignIn:
        by_password = self.name is not None and self.password is not None
        if (self.link is None) != by_password:
            raise ValueError("give either `link`, or `name` and `password`")
        return self


class SessionView(Contract):
    name: AccountName
    role: Role
    expires_at: Instant | None = Field(default=None, description="None when a token was shown instead of a session.")
    has_password: bool = False


class PasswordChange(Contract):
    password: Annotated[str, StringConstraints(min_length=12, max_length=1024)]


class LinkRequest(Contract):
    """A link for `name`, made as `role` when nobody has that name yet; without a name, for oneself."""

    name: AccountName | None = None
    role: Role = Role.ANALYST


class LinkView(Contract):
    """`url` ends in `/sign-in#link=<secret>`; the secret is shown this once and works once."""

    url: str
    expires_at: Instant


class TokenRequest(Contract):
    name: Annotated[str, StringConstraints(min_length=1, max_length=100)]


class NewToken(Contract):
    """`token` is shown this once."""

    id: UUID
    token: str


class TokenView(Contract):
    id: UUID
    name: str
    created_at: Instant
    last_used_at: Instant | None = None
