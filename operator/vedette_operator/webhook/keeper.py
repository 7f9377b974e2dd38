"""Keeps the certificates in their Secret, and the authority beside the webhook, where the API server reads it. Called by server.py.

Every replica does this. They agree through the Secret: each write says which version it changes, and whoever was slower reads again.
"""

from __future__ import annotations

import base64
import binascii
from collections.abc import Callable
from dataclasses import dataclass
from datetime import datetime

from appliance.clients import logging
from appliance.clients.kubernetes import Kubernetes
from appliance.clients.kubernetes_kinds import SECRETS, Kind, Manifest
from appliance.contracts.errors import Code, VedetteError
from vedette_operator.webhook.certificates import Certificates, Pair, carried_out, certified
from vedette_operator.webhook.renewal import Step, next_step
from vedette_operator.webhook.settings import WebhookSettings

CONFIGURATIONS = Kind(
    "admissionregistration.k8s.io",
    "v1",
    "ValidatingWebhookConfiguration",
    "validatingwebhookconfigurations",
    namespaced=False,
)
_TRIES = 5
_AUTHORITY, _AUTHORITY_KEY, _FORMER, _SERVER, _SERVER_KEY = "ca.crt", "ca.key", "former-ca.crt", "tls.crt", "tls.key"


def names(service: str, namespace: str) -> tuple[str, ...]:
    """The names by which the API server may ask a Service."""
    return f"{service}.{namespace}.svc", f"{service}.{namespace}", f"{service}.{namespace}.svc.cluster.local"


@dataclass(frozen=True)
class Keeper:
    """`hosts`: the names that the certificate is for. `clock` gives the time, with its zone."""

    client: Kubernetes
    settings: WebhookSettings
    hosts: tuple[str, ...]
    clock: Callable[[], datetime]

    async def keep(self) -> Certificates:
        """Those to serve with now, after making what was due; the API server trusts them. Raises VedetteError."""
        certificates = await self._kept()
        await self._trusted(certificates.bundle)
        return certificates

    async def _kept(self) -> Certificates:
        for _ in range(_TRIES):
            secret = await self._secret()
            found = _read(secret)
            step = next_step(certified(found) if found else None, self.hosts, self.clock())
            if found is not None and step is Step.KEEP:
                return found
            try:
                await self._write(secret, carried_out(step, found, self.hosts, self.clock()))
            except VedetteError as error:
                if error.reason.code not in (Code.CONFLICT, Code.NOT_FOUND):
                    raise
            else:
                logging.get().info("webhook certificates", step=step.value)
        raise VedetteError(
            Code.CONFLICT,
            f"Secret {self.settings.secret} changes all the time.",
            "See who else writes it.",
            retryable=True,
        )

    async def _secret(self) -> Manifest | None:
        try:
            return await self.client.get(SECRETS, self.settings.secret)
        except VedetteError as error:
            if error.reason.code is Code.NOT_FOUND:
                return None
            raise

    async def _write(self, before: Manifest | None, certificates: Certificates) -> None:
        """Raises CONFLICT where somebody was faster, NOT_FOUND where it has gone meanwhile."""
        about = {"name": self.settings.secret, "namespace": self.client.namespace}
        if before is None:
            await self.client.create(SECRETS, {"metadata": about, "type": "Opaque", "data": _data(certificates)})
        else:
            version = {"resourceVersion": before["metadata"]["resourceVersion"]}
            await self.client.merge(SECRETS, {"metadata": about | version, "data": _data(certificates)})

    async def _trusted(self, bundle: bytes) -> None:
        """Written only where it is not what is there: at rest nothing is."""
        name, text = self.settings.configuration, base64.b64encode(bundle).decode()
        found = await self.client.get(CONFIGURATIONS, name)
        webhooks = found.get("webhooks") or []
        if all(each["clientConfig"].get("caBundle") == text for each in webhooks):
            return
        told = [{**each, "clientConfig": {**each["clientConfig"], "caBundle": text}} for each in webhooks]
        about = {"name": name, "resourceVersion": found["metadata"]["resourceVersion"]}
        try:
            await self.client.merge(CONFIGURATIONS, {"metadata": about, "webhooks": told})
        except VedetteError as error:
            if error.reason.code is not Code.CONFLICT:  # another replica was faster; we look again soon
                raise


def _read(secret: Manifest | None) -> Certificates | None:
    """None where there are none, or none that can be read: they are made anew."""
    data = (secret or {}).get("data") or {}
    try:
        held = {
            name: base64.b64decode(data[name], validate=True)
            for name in (_AUTHORITY, _AUTHORITY_KEY, _SERVER, _SERVER_KEY)
        }
        former = base64.b64decode(data.get(_FORMER, ""), validate=True)
        found = Certificates(
            Pair(held[_AUTHORITY], held[_AUTHORITY_KEY]), Pair(held[_SERVER], held[_SERVER_KEY]), former
        )
        certified(found)
    except (KeyError, ValueError, TypeError, binascii.Error):
        return None
    return found


def _data(certificates: Certificates) -> dict[str, str | None]:
    """None takes the key away."""
    held = {
        _AUTHORITY: certificates.authority.certificate,
        _AUTHORITY_KEY: certificates.authority.key,
        _FORMER: certificates.former,
        _SERVER: certificates.server.certificate,
        _SERVER_KEY: certificates.server.key,
    }
    return {name: base64.b64encode(value).decode() if value else None for name, value in held.items()}
