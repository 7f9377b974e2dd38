"""Principals, sessions, tokens, one-time links and sign-in failures. Called by services/accounts.py and admin.py.

Secrets come here as SHA-256 hashes only. They are random, 256 bits long: a plain hash is enough, and finding one by its
hash in an index tells nothing about another.
"""

from __future__ import annotations

from dataclasses import dataclass
from datetime import datetime, timedelta
from uuid import UUID, uuid4

from sqlalchemy import RowMapping, bindparam, delete, func, insert, select, tuple_, update
from sqlalchemy.dialects.postgresql import insert as upsert
from sqlalchemy.ext.asyncio import AsyncConnection

from appliance.api.principal import Principal
from appliance.api.storage import cursors
from appliance.api.storage.tables import links, principals, sessions, sign_in_failures, tokens
from appliance.api.views.accounts import Role, TokenView
from appliance.api.views.pages import TokenPage
from appliance.contracts.base import now


@dataclass(frozen=True)
class Account:
    """A principal and the hash of its password, if it has set one."""

    principal: Principal
    password_hash: str | None


@dataclass(frozen=True)
class Link:
    name: str
    role: Role


def _principal(found: RowMapping, expires_at: datetime | None) -> Principal:
    return Principal(
        id=found["id"],
        name=found["name"],
        role=Role(found["role"]),
        has_password=found["password_hash"] is not None,
        expires_at=expires_at,
    )


_ACCOUNT = (principals.c.id, principals.c.name, principals.c.role, principals.c.password_hash)

# Every request asks one of these: built once.
_BY_SESSION = (
    select(*_ACCOUNT, sessions.c.expires_at)
    .join(sessions, sessions.c.principal_id == principals.c.id)
    .where(sessions.c.secret_hash == bindparam("shown"), sessions.c.expires_at > func.now())
)
_BY_TOKEN = (
    select(*_ACCOUNT, tokens.c.id.label("token_id"), tokens.c.last_used_at)
    .join(tokens, tokens.c.principal_id == principals.c.id)
    .where(tokens.c.secret_hash == bindparam("shown"))
)


async def find_by_name(connection: AsyncConnection, name: str) -> Account | None:
    row = (await connection.execute(select(*_ACCOUNT).where(principals.c.name == name))).one_or_none()
    return Account(_principal(row._mapping, None), row._mapping["password_hash"]) if row else None


async def ensure(connection: AsyncConnection, name: str, role: Role) -> Principal:
    """The principal of that name, made with `role` when there is none; an existing one keeps its role."""
    statement = upsert(principals).values(id=uuid4(), name=name, role=role.value).on_conflict_do_nothing()
    await connection.execute(statement)
    row = (await connection.execute(select(*_ACCOUNT).where(principals.c.name == name))).one()
    return _principal(row._mapping, None)


async def set_password_hash(connection: AsyncConnection, principal_id: UUID, password_hash: str) -> None:
    await connection.execute(
        update(principals).where(principals.c.id == principal_id).values(password_hash=password_hash)
    )


async def find_by_session(connection: AsyncConnection, secret_hash: bytes) -> Principal | None:
    row = (await connection.execute(_BY_SESSION, {"shown": secret_hash})).one_or_none()
    return _principal(row._mapping, row._mapping["expires_at"]) if row else None


async def find_by_token(connection: AsyncConnection, secret_hash: bytes) -> Principal | None:
    row = (await connection.execute(_BY_TOKEN, {"shown": secret_hash})).one_or_none()
    if row is None:
        return None
    used = row._mapping["last_used_at"]
    if used is None or now() - used > timedelta(minutes=1):
        # Once a minute is enough to know that a token is in use, and spares a write per request.
        await connection.execute(
            update(tokens).where(tokens.c.id == row._mapping["token_id"]).values(last_used_at=func.now())
        )
    return _principal(row._mapping, None)


async def add_session(
    connection: AsyncConnection, principal_id: UUID, secret_hash: bytes, expires_at: datetime
) -> None:
    await connection.execute(delete(sessions).where(sessions.c.expires_at < func.now()))
    await connection.execute(
        insert(sessions).values(principal_id=principal_id, secret_hash=secret_hash, expires_at=expires_at)
    )


async def remove_session(connection: AsyncConnection, secret_hash: bytes) -> None:
    await connection.execute(delete(sessions).where(sessions.c.secret_hash == secret_hash))


async def remove_other_sessions(connection: AsyncConnection, principal_id: UUID, kept: bytes | None) -> None:
    statement = delete(sessions).where(sessions.c.principal_id == principal_id)
    if kept is not None:
        statement = statement.where(sessions.c.secret_hash != kept)
    await connection.execute(statement)


async def add_link(connection: AsyncConnection, link: Link, secret_hash: bytes, expires_at: datetime) -> None:
    await connection.execute(delete(links).where(links.c.expires_at < func.now()))
    await connection.execute(
        insert(links).values(
            secret_hash=secret_hash, principal_name=link.name, role=link.role.value, expires_at=expires_at
        )
    )


async def use_link(connection: AsyncConnection, secret_hash: bytes) -> Link | None:
    """Take the link, once: of two who come at the same time, one gets None."""
    statement = (
        update(links)
        .where(links.c.secret_hash == secret_hash, links.c.used_at.is_(None), links.c.expires_at > func.now())
        .values(used_at=func.now())
        .returning(links.c.principal_name, links.c.role)
    )
    row = (await connection.execute(statement)).one_or_none()
    return Link(row.principal_name, Role(row.role)) if row else None


async def add_token(connection: AsyncConnection, principal_id: UUID, name: str, secret_hash: bytes) -> UUID:
    token_id = uuid4()
    await connection.execute(
        insert(tokens).values(id=token_id, principal_id=principal_id, name=name, secret_hash=secret_hash)
    )
    return token_id


async def token_page(connection: AsyncConnection, principal_id: UUID, cursor: str | None, limit: int) -> TokenPage:
    """Oldest first."""
    statement = select(tokens.c.id, tokens.c.name, tokens.c.created_at, tokens.c.last_used_at)
    statement = statement.where(tokens.c.principal_id == principal_id)
    if cursor:
        after = tuple_(*cursors.decode(cursor, datetime, UUID))
        statement = statement.where(tuple_(tokens.c.created_at, tokens.c.id) > after)
    statement = statement.order_by(tokens.c.created_at, tokens.c.id).limit(limit + 1)
    found = [TokenView.model_validate(dict(row._mapping)) for row in await connection.execute(statement)]
    last = found[limit - 1] if len(found) > limit else None
    return TokenPage(items=found[:limit], next=cursors.encode(last.created_at, last.id) if last else None)


async def remove_token(connection: AsyncConnection, principal_id: UUID, token_id: UUID) -> bool:
    statement = delete(tokens).where(tokens.c.id == token_id, tokens.c.principal_id == principal_id)
    return (await connection.execute(statement.returning(tokens.c.id))).one_or_none() is not None


async def remove_tokens_named(connection: AsyncConnection, principal_id: UUID, name: str) -> None:
    await connection.execute(delete(tokens).where(tokens.c.principal_id == principal_id, tokens.c.name == name))


async def count_failures(connection: AsyncConnection, key: str, since: datetime) -> int:
    statement = (
        select(func.count())
        .select_from(sign_in_failures)
        .where(sign_in_failures.c.key == key, sign_in_failures.c.at > since)
    )
    return (await connection.execute(statement)).scalar_one()


async def add_failures(connection: AsyncConnection, keys: list[str], forget_before: datetime) -> None:
    await connection.execute(delete(sign_in_failures).where(sign_in_failures.c.at < forget_before))
    await connection.execute(insert(sign_in_failures), [{"key": key} for key in keys])
