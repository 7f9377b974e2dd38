"""The model cache: `python -m appliance.inference.model_cache`, one pod on each node that serves (ADR 16).

Gives workers of its node the files of model packages over HTTP, by content, and fetches each package once from the store.
Reads VEDETTE_STORE_*, VEDETTE_WORK_FOLDER, VEDETTE_WORK_METRICS_* and VEDETTE_MODEL_CACHE_*. A package is verified before
any of it is given, and verified again by whoever takes it. SIGTERM lets what is being sent end.
"""

from __future__ import annotations

import asyncio
import sys
from collections import OrderedDict
from pathlib import Path
from threading import Lock

import uvicorn
from prometheus_client import CollectorRegistry, Counter, Gauge, ProcessCollector
from pydantic import TypeAdapter, ValidationError
from pydantic_settings import BaseSettings, SettingsConfigDict
from starlette.applications import Starlette
from starlette.requests import Request
from starlette.responses import FileResponse, PlainTextResponse, Response
from starlette.routing import Route

from appliance.clients import logging, metrics
from appliance.clients.objectstore import ObjectStore
from appliance.clients.settings import StoreSettings, WorkSettings
from appliance.clients.vitals import Vitals
from appliance.contracts import keys
from appliance.contracts.base import Name, Sha256, Version
from appliance.contracts.errors import Code, VedetteError
from appliance.formats import model_package
from appliance.formats.model_package import ModelPackage
from appliance.inference import jobs
from appliance.inference.package_sources import StoreSource
from appliance.inference.worker_packages import PackageCache

_NAME: TypeAdapter[str] = TypeAdapter(Name)
_VERSION: TypeAdapter[str] = TypeAdapter(Version)
_DIGEST: TypeAdapter[str] = TypeAdapter(Sha256)
_KNOWN = 256
_GRACE_SECONDS = 20


class ModelCacheSettings(BaseSettings):
    """VEDETTE_MODEL_CACHE_*: where it answers, and the most that packages may take on its disk."""

    model_config = SettingsConfigDict(env_prefix="VEDETTE_MODEL_CACHE_", env_ignore_empty=True, frozen=True)
    host: str = "0.0.0.0"  # noqa: S104 - other pods ask; nothing here is secret to who knows a digest
    port: int = 8090
    maximum_bytes: int = 64 << 30


class CacheMetrics:
    """What Prometheus is told."""

    def __init__(self, registry: CollectorRegistry, packages: PackageCache) -> None:
        ProcessCollector(registry=registry)
        self.hits = Counter("vedette_model_cache_hits", "Files given that were here already.", registry=registry)
        self.fetches = Counter("vedette_model_cache_fetches", "Packages fetched from the store.", registry=registry)
        self.sent = Counter("vedette_model_cache_sent_bytes", "Bytes of files that were given.", registry=registry)
        held = Gauge("vedette_model_cache_resident_bytes", "What packages take on this disk.", registry=registry)
        held.set_function(packages.resident_bytes)


class CountedSource(StoreSource):
    """The store, with a count of what was fetched whole."""

    fetches: Counter

    def fetch(self, prefix: str, digest: Sha256, folder: Path) -> None:
        super().fetch(prefix, digest, folder)
        self.fetches.inc()


class Files:
    """The files of packages. A package is verified when it is first asked for, not again for each of its files."""

    def __init__(self, packages: PackageCache, told: CacheMetrics) -> None:
        self._packages, self._told = packages, told
        self._known: OrderedDict[tuple[str, Sha256], ModelPackage] = OrderedDict()
        self._lock = Lock()

    def path(self, prefix: str, digest: Sha256, file: str) -> Path:
        """Blocks while the package is fetched. Raises VedetteError as PackageCache does, NOT_FOUND for another file."""
        with self._lock:
            package = self._known.get((prefix, digest))
        if package is None or not package.folder.is_dir():
            package = self._packages.get(prefix, digest)
        else:
            self._told.hits.inc()
        with self._lock:
            self._known[prefix, digest] = package
            self._known.move_to_end((prefix, digest))
            if len(self._known) > _KNOWN:
                self._known.popitem(last=False)
        if file not in model_package.files_of(package.manifest):
            raise VedetteError(Code.NOT_FOUND, f"{prefix} has no file {file}.")
        return package.folder / file


def application(files: Files, told: CacheMetrics) -> Starlette:
    async def give(request: Request) -> Response:
        asked = request.path_params
        try:
            prefix = keys.model_prefix(_NAME.validate_python(asked["name"]), _VERSION.validate_python(asked["version"]))
            digest = _DIGEST.validate_python(f"sha256:{asked['digest']}")
        except ValidationError:
            return PlainTextResponse("No such package can be.\n", 404)
        try:
            path = await asyncio.to_thread(files.path, prefix, digest, asked["file"])
            size = (await asyncio.to_thread(path.stat)).st_size
        except VedetteError as error:
            logging.get().warning("package not given", package=prefix, digest=digest, reason=str(error.reason))
            return PlainTextResponse(f"{error.reason}\n", 503 if error.reason.retryable else 404)
        except FileNotFoundError:  # removed for want of room between two looks at it
            return PlainTextResponse("Gone.\n", 503)
        told.sent.inc(size)
        return FileResponse(path, media_type="application/octet-stream")

    return Starlette(routes=[Route("/packages/{name}/{version}/{digest}/{file}", give)])


async def _serve(settings: ModelCacheSettings, work: WorkSettings) -> None:
    registry, vitals = CollectorRegistry(), Vitals()
    source = CountedSource(ObjectStore(StoreSettings()))
    packages = PackageCache(work.folder / "packages", [source], settings.maximum_bytes)
    told = CacheMetrics(registry, packages)
    source.fetches = told.fetches
    server = uvicorn.Server(
        uvicorn.Config(
            application(Files(packages, told), told),
            host=settings.host,
            port=settings.port,
            log_config=None,
            access_log=False,
            timeout_graceful_shutdown=_GRACE_SECONDS,
        )
    )
    with metrics.served(registry, work.metrics_host, work.metrics_port, vitals):
        beating = asyncio.create_task(vitals.beat(lambda: server.started))
        logging.get().info("serving", port=settings.port)
        try:
            await server.serve()
        finally:
            beating.cancel()
    logging.get().info("stopped")


def main() -> int:
    work = jobs.work_settings()
    logging.configure("model-cache", work.log_format)
    try:
        asyncio.run(_serve(ModelCacheSettings(), work))
    except VedetteError as error:
        logging.get().error("cannot work", reason=str(error.reason))
        return 1
    return 0


if __name__ == "__main__":
    sys.exit(main())
