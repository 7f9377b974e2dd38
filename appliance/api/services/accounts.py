"""Who may enter: sign-in by one-time link or password, sessions, tokens. Called by routes, security.Guard and admin.py.

There is no password until its owner sets one. Secrets are random and leave here once; the database has their hashes.
"""

from __future__ import annotations

import asyncio
import hashlib
import secrets
from dataclasses import dataclass
from datetime import datetime, timedelta
from functools import cache
from uuid import UUID

from argon2 import PasswordHasher
from argon2.exceptions import InvalidHashError, VerificationError

from appliance.api.principal import Principal
from appliance.api.settings import ApiSettings
from appliance.api.storage import accounts as storage
from appliance.api.storage.database import Database
from appliance.api.views.accounts import LinkView, NewToken, Role, SessionView, SignIn
from appliance.api.views.pages import TokenPage
from appliance.contracts.base import now
from appliance.contracts.errors import Code, VedetteError

_SECRET_BYTES = 32


@cache
def _nobody() -> str:
    """Verified against when there is no such account, so that the answer takes as long."""
    return PasswordHasher().hash(secrets.token_urlsafe(_SECRET_BYTES))


def new_secret() -> str:
    return secrets.token_urlsafe(_SECRET_BYTES)


def hash_secret(secret: str) -> bytes:
    return hashlib.sha256(secret.encode()).digest()


@dataclass(frozen=True)
class OpenedSession:
    secret: str
    principal: Principal
    expires_at: datetime


class Accounts:
    def __init__(self, database: Database, settings: ApiSettings) -> None:
        self._database, self._settings = database, settings
        self._hasher = PasswordHasher()

    def view(self, who: Principal) -> SessionView:
        return SessionView(name=who.name, role=who.role, expires_at=who.expires_at, has_password=who.has_password)

    async def authenticate(self, secret: str, is_token: bool) -> Principal:
        """Whose session or token this is. Raises VedetteError(UNAUTHENTICATED) when nobody's, or no longer."""
        hashed = hash_secret(secret)
        async with self._database.look() as connection:
            find = storage.find_by_token if is_token else storage.find_by_session
            found = await find(connection, hashed)
        if found is None:
            what = "token is not known" if is_token else "session has ended"
            raise VedetteError(Code.UNAUTHENTICATED, f"This {what}.", "Sign in again, or make a new token.")
        return found

    async def sign_in(self, body: SignIn, address: str) -> OpenedSession:
        """Open a session. Raises VedetteError(UNAUTHENTICATED), or VedetteError(LIMIT) after too many failures."""
        keys = [f"address/{address}", *([f"name/{body.name}"] if body.name else [])]
        await self._refuse_guessing(keys)
        try:
            principal = await (self._by_link(body.link) if body.link else self._by_password(body))
        except VedetteError:
            async with self._database.begin() as connection:
                await storage.add_failures(connection, keys, now() - self._window)
            raise
        secret, expires_at = new_secret(), now() + timedelta(hours=self._settings.session_hours)
        async with self._database.begin() as connection:
            await storage.add_session(connection, principal.id, hash_secret(secret), expires_at)
            opened = await storage.find_by_session(connection, hash_secret(secret))
        return OpenedSession(secret, opened or principal, expires_at)

    @property
    def _window(self) -> timedelta:
        return timedelta(minutes=self._settings.sign_in_window_minutes)

    async def _refuse_guessing(self, keys: list[str]) -> None:
        async with self._database.begin() as connection:
            counts = [await storage.count_failures(connection, key, now() - self._window) for key in keys]
        if max(counts) >= self._settings.sign_in_failures:
            minutes = self._settings.sign_in_window_minutes
            raise VedetteError(
                Code.LIMIT, "Too many attempts to sign in have failed.", f"Wait {minutes} minutes and try again."
            )

    async def _by_link(self, secret: str) -> Principal:
        async with self._database.begin() as connection:
            link = await storage.use_link(connection, hash_secret(secret))
            if link is not None:
                return await storage.ensure(connection, link.name, link.role)
        raise VedetteError(
            Code.UNAUTHENTICATED, "This link was used already, or is too old.", "Ask an administrator for a new one."
        )

    async def _by_password(self, body: SignIn) -> Principal:
        async with self._database.begin() as connection:
            account = await storage.find_by_name(connection, body.name or "")
        known = account.password_hash if account else None
        right = await asyncio.to_thread(self._verify, known or _nobody(), body.password or "")
        if account is None or known is None or not right:
            raise VedetteError(Code.UNAUTHENTICATED, "The name or the password is wrong.", "Try again, or use a link.")
        return account.principal

    def _verify(self, hashed: str, password: str) -> bool:
        """Constant in time: argon2 compares so."""
        try:
            return self._hasher.verify(hashed, password)
        except (VerificationError, InvalidHashError):
            return False

    async def sign_out(self, secret: str | None) -> None:
        if secret:
            async with self._database.begin() as connection:
                await storage.remove_session(connection, hash_secret(secret))

    async def set_password(self, who: Principal, password: str, session: str | None) -> None:
        hashed = await asyncio.to_thread(self._hasher.hash, password)
        async with self._database.begin() as connection:
            await storage.set_password_hash(connection, who.id, hashed)
            await storage.remove_other_sessions(connection, who.id, hash_secret(session) if session else None)

    async def create_link(self, name: str, role: Role) -> LinkView:
        secret, expires_at = new_secret(), now() + timedelta(hours=self._settings.link_hours)
        async with self._database.begin() as connection:
            await storage.add_link(connection, storage.Link(name, role), hash_secret(secret), expires_at)
        return LinkView(url=f"{self._settings.origin}/sign-in#link={secret}", expires_at=expires_at)

    async def token_page(self, who: Principal, cursor: str | None, limit: int) -> TokenPage:
        async with self._database.begin() as connection:
            return await storage.token_page(connection, who.id, cursor, limit)

    async def create_token(self, who: Principal, name: str) -> NewToken:
        token = new_secret()
        async with self._database.begin() as connection:
            token_id = await storage.add_token(connection, who.id, name, hash_secret(token))
        return NewToken(id=token_id, token=token)

    async def delete_token(self, who: Principal, token_id: UUID) -> None:
        async with self._database.begin() as connection:
            if not await storage.remove_token(connection, who.id, token_id):
                raise VedetteError(Code.NOT_FOUND, "You have no such token.", "List your tokens.")
