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

from appliance.contracts.errors import Code, VedetteError
from appliance.standalone.credentials import write_private

_SECONDS = 60


@dataclass
class Welcome:
    """Made once per start, when the API first answers. The link is never written to a file."""

    environment: Mapping[str, str] = field(repr=False)
    token_file: Path
    folder: Path
    link: str = field(default="", repr=False)

    def make(self) -> None:
        """Idempotent: a later call of the same start changes nothing.

        Raises VedetteError(UNAVAILABLE) when the database could not be asked.
        """
        if self.link:
            return
        wanted = ["link"] if self.token_file.exists() else ["link", "token"]
        answer = subprocess.run(
            [sys.executable, "-P", "-m", "appliance.standalone.welcome", *wanted],
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
        if "token" in made:
            write_private(self.token_file, made["token"])
        self.link = made["link"]


async def _make(wanted: list[str]) -> dict[str, str]:
    from appliance.api import admin
    from appliance.api.settings import ApiSettings
    from appliance.clients.settings import DatabaseSettings

    url = DatabaseSettings().url.get_secret_value()
    made = {"link": (await admin.create_link(url, ApiSettings())).url}
    if "token" in wanted:
        made["token"] = await admin.create_token(url)
    return made


if __name__ == "__main__":
    print(json.dumps(asyncio.run(_make(sys.argv[1:]))))
