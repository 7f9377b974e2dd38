"""Objects into an API server as fast as it takes them, and how many are as wished, by watching. Called by operator.py.

Speaks HTTP itself: kubectl and the client libraries hold themselves to a few requests a second.
"""

from __future__ import annotations

import json
import ssl
import threading
import time
from collections.abc import Callable, Iterable, Iterator
from concurrent.futures import ThreadPoolExecutor
from contextlib import contextmanager
from pathlib import Path
from typing import Any

import httpx

from benchmarks.operator_objects import Manifest

_AT_ONCE = 8
_PLURALS = {"Node": "nodes", "Detector": "detectors", "TrainingJob": "trainingjobs", "Deployment": "deployments"}


class Client:
    """The API server of a kubeconfig with a token, as that user."""

    def __init__(self, kubeconfig: Path) -> None:
        config = json.loads(kubeconfig.read_text())
        cluster, user = config["clusters"][0]["cluster"], config["users"][0]["user"]
        trusted = ssl.create_default_context(cafile=cluster["certificate-authority"])
        trusted.verify_flags &= ~ssl.VERIFY_X509_STRICT
        self.http = httpx.Client(
            base_url=cluster["server"],
            headers={"Authorization": f"Bearer {user['token']}"},
            verify=trusted,
            timeout=60,
            limits=httpx.Limits(max_connections=_AT_ONCE + 4),
        )

    def close(self) -> None:
        self.http.close()

    def create(self, manifests: Iterable[Manifest]) -> None:
        """Eight at a time; ends the benchmark when one is refused."""
        with ThreadPoolExecutor(_AT_ONCE) as pool:
            list(pool.map(self._create, manifests))

    def _create(self, manifest: Manifest) -> None:
        self._taken(self.http.post(collection(manifest), json=manifest))

    def patch(self, collection: str, name: str, change: Manifest) -> None:
        """A JSON merge patch."""
        content, kind = json.dumps(change), {"Content-Type": "application/merge-patch+json"}
        self._taken(self.http.patch(f"{collection}/{name}", content=content, headers=kind))

    def list(self, path: str) -> tuple[list[Any], str]:
        """The objects, and the resourceVersion from which to watch."""
        answer = self._taken(self.http.get(path)).json()
        return answer["items"], answer["metadata"]["resourceVersion"]

    @staticmethod
    def _taken(answer: httpx.Response) -> httpx.Response:
        if answer.is_error:
            raise SystemExit(f"the API server said {answer.status_code} to {answer.request.url}: {answer.text[:500]}")
        return answer


def collection(manifest: Manifest) -> str:
    """Where objects of its kind lie."""
    version, namespace = manifest["apiVersion"], manifest["metadata"].get("namespace")
    root = "/api/v1" if version == "v1" else f"/apis/{version}"
    return f"{root}{f'/namespaces/{namespace}' if namespace else ''}/{_PLURALS[manifest['kind']]}"


class Watched:
    """How many objects of one collection are as wished, kept up to date by a thread; `last` is when that last changed."""

    def __init__(self, client: Client, path: str, wished: Callable[[Any], bool]) -> None:
        self._client, self._path, self._wished = client, path, wished
        self._good: dict[str, bool] = {}
        self._ended = threading.Event()
        self.last = time.time()

    @property
    def count(self) -> int:
        return sum(list(self._good.values()))

    def end(self) -> None:
        self._ended.set()

    def run(self) -> None:
        items, version = self._client.list(self._path)
        for item in items:
            self._note(item)
        while not self._ended.is_set():
            version = self._follow(version)

    def _follow(self, version: str) -> str:
        """Until the server ends the stream, which it does after a few seconds: that is when we look whether to go on."""
        asked = {"watch": "1", "resourceVersion": version, "timeoutSeconds": "2"}
        with self._client.http.stream("GET", self._path, params=asked) as stream:
            for line in stream.iter_lines():
                event = json.loads(line)
                if event["type"] == "ERROR":
                    raise SystemExit(f"the watch of {self._path} broke off: {line[:500]}")
                version = event["object"]["metadata"]["resourceVersion"]
                self._note(event["object"])
        return version

    def _note(self, item: Any) -> None:
        name, good = item["metadata"]["name"], self._wished(item)
        if self._good.get(name, False) != good:
            self._good[name], self.last = good, time.time()


@contextmanager
def watching(client: Client, path: str, wished: Callable[[Any], bool]) -> Iterator[Watched]:
    watched = Watched(client, path, wished)
    thread = threading.Thread(target=watched.run, name=f"watch {path}", daemon=True)
    thread.start()
    try:
        yield watched
    finally:
        watched.end()
        thread.join(10)


def wait(all_there: Callable[[], bool], seconds: float, so_far: Callable[[], str]) -> None:
    """Ends the benchmark when it takes longer."""
    deadline = time.monotonic() + seconds
    while not all_there():
        if time.monotonic() > deadline:
            raise SystemExit(f"not all came within {seconds:g} s: {so_far()}")
        time.sleep(0.05)
