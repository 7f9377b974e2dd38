"""A file into a running appliance, as a program does it: announced, uploaded in parts, waited for. Used by `tiles`."""

from __future__ import annotations

import time
from pathlib import Path
from uuid import UUID

import httpx

from appliance.formats import digest

_DATASET = "bench"
_WAIT_SECONDS = 600


def scene(url: str, token: str, path: Path) -> UUID:
    """The item, once it is ready. Ends the benchmark when it fails."""
    with httpx.Client(base_url=url, headers={"Authorization": f"Bearer {token}"}, timeout=60) as api:
        api.post("/api/datasets", json={"name": _DATASET}).raise_for_status()
        body = {"name": path.name, "size_bytes": path.stat().st_size, "sha256": digest.of_file(path)}
        announced = api.post(f"/api/datasets/{_DATASET}/items", json=body).raise_for_status().json()
        with httpx.Client(timeout=120) as store, path.open("rb") as source:
            for part in announced["upload"]["parts"]:
                store.put(part["url"], content=source.read(part["size_bytes"])).raise_for_status()
        item = UUID(announced["item"]["id"])
        api.post(f"/api/items/{item}/upload/complete").raise_for_status()
        deadline = time.monotonic() + _WAIT_SECONDS
        while time.monotonic() < deadline:
            found = api.get(f"/api/items/{item}").raise_for_status().json()
            if found["state"] == "ready":
                return item
            if found["state"] == "failed":
                raise SystemExit(f"{path.name}: {found['reason']}")
            time.sleep(0.2)
    raise SystemExit(f"{path.name} was not ready within {_WAIT_SECONDS} seconds.")
