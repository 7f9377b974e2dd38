"""Give the clients' key its bucket on MinIO, and nothing more. Run by a Job of the chart, with the root key.

Reads MINIO_ROOT_USER, MINIO_ROOT_PASSWORD and VEDETTE_STORE_*. Waits for the store; doing it twice changes nothing.
"""

from __future__ import annotations

import os
import time
from urllib.parse import urlsplit

from minio.credentials.providers import StaticProvider
from minio.error import MinioAdminException
from minio.minioadmin import MinioAdmin
from urllib3.exceptions import HTTPError

_SECONDS = 600


def policy(bucket: str) -> dict[str, object]:
    """All of one bucket, its making included."""
    where = [f"arn:aws:s3:::{bucket}", f"arn:aws:s3:::{bucket}/*"]
    return {"Version": "2012-10-17", "Statement": [{"Effect": "Allow", "Action": ["s3:*"], "Resource": where}]}


def give(admin: MinioAdmin, environment: os._Environ[str]) -> None:
    key, bucket = environment["VEDETTE_STORE_ACCESS_KEY"], environment["VEDETTE_STORE_BUCKET"]
    name = f"vedette-{bucket}"
    admin.policy_add(name, policy=policy(bucket))
    admin.user_add(key, environment["VEDETTE_STORE_SECRET_KEY"])
    admin.policy_set(name, user=key)


def main() -> None:
    environment = os.environ
    address = urlsplit(environment["VEDETTE_STORE_ENDPOINT"])
    root = StaticProvider(environment["MINIO_ROOT_USER"], environment["MINIO_ROOT_PASSWORD"])
    admin = MinioAdmin(endpoint=address.netloc, credentials=root, secure=address.scheme == "https")
    deadline = time.monotonic() + _SECONDS
    while True:
        try:
            give(admin, environment)
        except (MinioAdminException, HTTPError, OSError) as error:
            if time.monotonic() > deadline:
                raise
            print(f"The store does not take it yet: {error}", flush=True)
            time.sleep(2)
        else:
            print(f"The clients' key opens the bucket {environment['VEDETTE_STORE_BUCKET']}.")
            return


if __name__ == "__main__":
    main()
