"""Answers the API server over TLS. Started by main.py; every replica serves, for judging takes no Lease.

Nobody is blocked by what goes wrong here: the configuration says `failurePolicy: Ignore`.
"""

from __future__ import annotations

import asyncio
import json
import os
import ssl
from collections.abc import Callable, Iterable
from dataclasses import dataclass

from aiohttp import web

from appliance.clients import logging
from appliance.clients.kubernetes import Kubernetes
from appliance.contracts.base import now
from appliance.contracts.errors import VedetteError
from vedette_operator.webhook.certificates import Pair
from vedette_operator.webhook.keeper import Keeper, names
from vedette_operator.webhook.review import Manifest, answer, judge, read
from vedette_operator.webhook.settings import WebhookSettings

PATH = "/validate"
_LIMIT_BYTES = 8 << 20
"""The API server takes 3 MiB; a review holds an object twice."""

Known = Callable[[], Iterable[Manifest]]
"""The manifests of all Detectors and TrainingJobs of our namespace that are not on their way out."""


@dataclass(frozen=True)
class Webhook:
    keeper: Keeper
    known: Known

    async def run(self) -> None:
        """Until cancelled. While certificates cannot be had nothing is served; they are looked at every minute."""
        settings = self.keeper.settings
        context = ssl.SSLContext(ssl.PROTOCOL_TLS_SERVER)
        context.minimum_version = ssl.TLSVersion.TLSv1_2
        runner, served = self._runner(), b""
        await runner.setup()
        try:
            while True:
                served = await self._renewed(context, served)
                if served and not runner.sites:
                    await web.TCPSite(runner, settings.host, settings.port, ssl_context=context).start()
                await asyncio.sleep(settings.look_seconds if served else min(5.0, settings.look_seconds))
        finally:
            await runner.cleanup()

    async def _renewed(self, context: ssl.SSLContext, served: bytes) -> bytes:
        """The certificate that new connections get; the one before where none could be had."""
        try:
            pair = (await self.keeper.keep()).server
        except VedetteError as error:
            logging.get().warning("webhook certificates are tried again", problem=str(error.reason))
            return served
        if pair.certificate != served:
            _load(context, pair)
        return pair.certificate

    def _runner(self) -> web.AppRunner:
        application = web.Application(client_max_size=_LIMIT_BYTES)
        application.add_routes([web.post(PATH, self.validate)])
        return web.AppRunner(application, access_log=None)

    async def validate(self, request: web.Request) -> web.Response:
        """400 for what no API server sends."""
        try:
            asked = read(json.loads(await request.read()))
        except (ValueError, RecursionError, VedetteError):
            return web.Response(status=400, text="This is no AdmissionReview v1.\n")
        verdict = judge(asked, self.keeper.client.namespace, self.known())
        if verdict.refused:
            logging.get().info("refused", kind=asked.kind, name=asked.name, why=verdict.refused)
        return web.json_response(answer(asked, verdict))


def made(client: Kubernetes, settings: WebhookSettings, known: Known) -> Webhook:
    """Asks no server."""
    return Webhook(Keeper(client, settings, names(settings.service, client.namespace), now), known)


def _load(context: ssl.SSLContext, pair: Pair) -> None:
    """The library reads files only: this one is memory that has no name and goes with its descriptor."""
    descriptor = os.memfd_create("certificate", os.MFD_CLOEXEC)
    try:
        with os.fdopen(descriptor, "wb", closefd=False) as file:
            file.write(pair.certificate + pair.key)
        context.load_cert_chain(f"/proc/self/fd/{descriptor}")
    finally:
        os.close(descriptor)
