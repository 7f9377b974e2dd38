"""What a person needs to come in: a one-time link, and the token of the local command line.

The supervisor asks for both in a process of their own, `python -m appliance.standalone.welcome`, so that it need not
itself hold the API's libraries; that process prints one line of JSON.
"""

from __future__ import annotations

import asyncio
import json
import subprocess
import sys
from collections.abc import Mapping
from dataclasses import dataclass, field
from pathlib import Path

import httpx

from appliance.contracts.errors import Code, VedetteError
from appliance.standalone.credentials import write_private

_SECONDS = 120


@dataclass
class Welcome:
    """Made once per start, when the API first answers. The link is never written to a file."""

    url: str
    environment: Mapping[str, str] = field(repr=False)
    token_file: Path
    folder: Path
    link: str = field(default="", repr=False)

    def make(self) -> None:
        """Idempotent: a later call of the same start changes nothing.

        Raises VedetteError(UNAVAILABLE) when the database could not be asked.
        """
        self.link = self.link or self._asked_of_the_api() or self._made_beside_it()

    def _asked_of_the_api(self) -> str:
        """With the token of an earlier start, in no time; empty where there is none, or it is no longer good."""
        try:
            bearer = {"Authorization": f"Bearer {self.token_file.read_text('ascii').strip()}"}
            answer = httpx.post(f"{self.url}/api/links", json={}, headers=bearer, timeout=5, trust_env=False)
            return str(answer.json()["url"]) if answer.is_success else ""
        except (OSError, httpx.HTTPError, ValueError, KeyError):
            return ""

    def _made_beside_it(self) -> str:
        answer = subprocess.run(
            [sys.executable, "-P", "-m", "appliance.standalone.welcome"],
            cwd=self.folder,
            env=dict(self.environment),
            capture_output=True,
            text=True,
            timeout=_SECONDS,
            check=False,
        )
        if answer.returncode != 0:
            said = (answer.stderr.strip().splitlines() or ["it said nothing"])[-1]
            raise VedetteError(Code.UNAVAILABLE, f"No link could be made: {said[:500]}", "Read the log of the API.")
        made = json.loads(answer.stdout)
        write_private(self.token_file, made["token"])
        return str(made["link"])


async def _make() -> dict[str, str]:
    from appliance.api import admin
    from appliance.api.settings import ApiSettings
    from appliance.clients.settings import DatabaseSettings

    url = DatabaseSettings().url.get_secret_value()
    link = await admin.create_link(url, ApiSettings())
    return {"link": link.url, "token": await admin.create_token(url)}


if __name__ == "__main__":
    print(json.dumps(asyncio.run(_make())))
