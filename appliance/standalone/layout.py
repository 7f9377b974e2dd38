"""Where everything of one `vedette up` lies: every path below its data folder is named here. No I/O beyond asking."""

from __future__ import annotations

import os
from dataclasses import dataclass
from pathlib import Path

from appliance.contracts.machine import STATUS_FILE


@dataclass(frozen=True)
class DataFolder:
    """A data folder. All of it is private to its owner."""

    path: Path

    @classmethod
    def of(cls, given: Path | None) -> DataFolder:
        """The given one, else $VEDETTE_DATA, else `vedette` in the XDG data folder."""
        if given is None and (named := os.environ.get("VEDETTE_DATA")):
            given = Path(named)
        if given is None:
            given = Path(os.environ.get("XDG_DATA_HOME") or Path.home() / ".local" / "share") / "vedette"
        return cls(given.expanduser().absolute())

    @property
    def lock(self) -> Path:
        """Held, by flock, by the supervisor for as long as it lives."""
        return self.path / "lock"

    @property
    def state(self) -> Path:
        """What must stay the same from start to start."""
        return self.path / "state.json"

    @property
    def status(self) -> Path:
        """What runs now; meaningless while nobody holds the lock."""
        return self.path / STATUS_FILE

    @property
    def token(self) -> Path:
        """The local command line's token."""
        return self.path / "token"

    @property
    def secrets(self) -> Path:
        return self.path / "secrets"

    @property
    def logs(self) -> Path:
        return self.path / "logs"

    def log(self, part: str) -> Path:
        return self.logs / f"{part}.log"

    @property
    def postgres(self) -> Path:
        return self.path / "postgres"

    @property
    def nats(self) -> Path:
        return self.path / "nats"

    @property
    def store(self) -> Path:
        return self.path / "store"

    @property
    def work(self) -> Path:
        """Private temporary files of the workers and their cache of model packages."""
        return self.path / "work"

    @property
    def mark(self) -> str:
        """What the processes of this folder carry in their environment."""
        return str(self.path.resolve())
