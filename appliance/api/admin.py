"""What needs no session because it has the database: the first administrator's link, and the token of the local CLI.

`python -m appliance.api.admin link [--name NAME] [--role ROLE]` prints the address of a one-time link;
`python -m appliance.api.admin token [--name NAME]` prints a token of that administrator, replacing the one made so
before. Called by `vedette up` too. Reads VEDETTE_DATABASE_URL and VEDETTE_API_PUBLIC_URL.
"""

from __future__ import annotations

import argparse
import asyncio
import sys

from appliance.api.services.accounts import Accounts, hash_secret, new_secret
from appliance.api.settings import ApiSettings
from appliance.api.storage import accounts as storage
from appliance.api.storage.database import Database
from appliance.api.views.accounts import LinkView, Role
from appliance.clients.settings import DatabaseSettings
from appliance.contracts.errors import VedetteError

ADMINISTRATOR = "administrator"
_TOKEN_NAME = "local command line"  # noqa: S105


async def create_link(
    database_url: str, settings: ApiSettings, name: str = ADMINISTRATOR, role: Role = Role.ADMINISTRATOR
) -> LinkView:
    """A one-time link that signs `name` in, made with `role` when nobody has that name yet."""
    database = Database(database_url)
    try:
        return await Accounts(database, settings).create_link(name, role)
    finally:
        await database.close()


async def create_token(database_url: str, name: str = ADMINISTRATOR) -> str:
    """A token of the account `name`, made as administrator when nobody has that name; the one before stops working."""
    database, token = Database(database_url), new_secret()
    try:
        async with database.begin() as connection:
            principal = await storage.ensure(connection, name, Role.ADMINISTRATOR)
            await storage.remove_tokens_named(connection, principal.id, _TOKEN_NAME)
            await storage.add_token(connection, principal.id, _TOKEN_NAME, hash_secret(token))
    finally:
        await database.close()
    return token


def main() -> int:
    parser = argparse.ArgumentParser(prog="python -m appliance.api.admin", description=__doc__)
    parser.add_argument("what", choices=("link", "token"))
    parser.add_argument("--name", default=ADMINISTRATOR)
    parser.add_argument("--role", choices=[role.value for role in Role], default=Role.ADMINISTRATOR.value)
    given = parser.parse_args()
    url = DatabaseSettings().url.get_secret_value()
    try:
        if given.what == "link":
            print(asyncio.run(create_link(url, ApiSettings(), given.name, Role(given.role))).url)
        else:
            print(asyncio.run(create_token(url, given.name)))
    except VedetteError as error:
        print(error, file=sys.stderr)
        return 2
    return 0


if __name__ == "__main__":
    sys.exit(main())
