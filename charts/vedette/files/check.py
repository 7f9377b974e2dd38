"""What `helm test` asks of a release: the API, the queue, the store, and that Kubernetes takes a Detector. Ends with 1 and a sentence.

Run in a pod of the release with VEDETTE_STORE_*, VEDETTE_NATS_*, CHECK_API and CHECK_NAMESPACE.
"""

from __future__ import annotations

import asyncio
import os
import ssl
import sys
from collections.abc import Callable
from pathlib import Path

import httpx

from appliance.clients.messaging import Messaging
from appliance.clients.objectstore import ObjectStore
from appliance.clients.settings import MessagingSettings, StoreSettings

_ACCOUNT = Path("/var/run/secrets/kubernetes.io/serviceaccount")


def api() -> None:
    httpx.get(os.environ["CHECK_API"] + "/readyz", timeout=30).raise_for_status()


def store() -> None:
    ObjectStore(StoreSettings()).ensure_bucket()


def queue() -> None:
    asyncio.run(_connect())


async def _connect() -> None:
    await (await Messaging.connect(MessagingSettings(), "helm-test")).close()


def resources() -> None:
    """A Detector is tried and not made: the resource is there, its rules hold, and the API's role may write it."""
    namespace = os.environ["CHECK_NAMESPACE"]
    model = {"storageUri": "s3://vedette/models/helm-test/1.0.0", "digest": "sha256:" + "0" * 64}
    detector = {
        "apiVersion": "vedette.io/v1alpha1",
        "kind": "Detector",
        "metadata": {"name": "helm-test", "namespace": namespace},
        "spec": {"model": model},
    }
    answer = httpx.post(
        f"https://kubernetes.default.svc/apis/vedette.io/v1alpha1/namespaces/{namespace}/detectors?dryRun=All",
        json=detector,
        headers={"Authorization": f"Bearer {(_ACCOUNT / 'token').read_text()}"},
        verify=ssl.create_default_context(cafile=str(_ACCOUNT / "ca.crt")),
        timeout=30,
    )
    if answer.status_code != 201:
        raise RuntimeError(f"Kubernetes answers {answer.status_code}: {answer.text[:500]}")


CHECKS: tuple[Callable[[], None], ...] = (api, store, queue, resources)


def main() -> int:
    failed = 0
    for check in CHECKS:
        try:
            check()
        except Exception as error:
            failed += 1
            print(f"{check.__name__}: {error}", file=sys.stderr)
        else:
            print(f"{check.__name__}: well")
    return 1 if failed else 0


if __name__ == "__main__":
    sys.exit(main())
