"""Which objects of a Kubernetes we speak of, and where the API server keeps them. Used by kubernetes.py and whoever calls it.

A kind is named once, as a value; objects are plain values, as YAML has them.
"""

from __future__ import annotations

from dataclasses import dataclass
from functools import cached_property
from typing import Any

from lightkube.core import resource
from lightkube.generic_resource import create_api_info

from appliance.contracts.resources.base import GROUP, VERSION
from appliance.contracts.resources.objects import DetectorResource, TrainingJobResource

Manifest = dict[str, Any]


@dataclass(frozen=True)
class Kind:
    """`group` is empty for the core; `plural` is how the API server writes it in addresses."""

    group: str
    version: str
    kind: str
    plural: str
    namespaced: bool = True

    @property
    def api_version(self) -> str:
        return f"{self.group}/{self.version}" if self.group else self.version

    @cached_property
    def address(self) -> type[resource.Resource]:
        """What the library makes addresses from."""
        base = resource.NamespacedResourceG if self.namespaced else resource.GlobalResource
        return type(
            self.kind, (base,), {"_api_info": create_api_info(self.group, self.version, self.kind, self.plural)}
        )

    @cached_property
    def status_address(self) -> type[resource.Resource]:
        """Of the status subresource."""
        own = resource.ResourceDef(self.group, self.version, self.kind)
        info = resource.ApiInfo(own, self.plural, ["get", "patch", "put"], parent=own, action="status")
        base = resource.NamespacedSubResource if self.namespaced else resource.GlobalSubResource
        return type(f"{self.kind}Status", (base,), {"_api_info": info})


DETECTORS = Kind(GROUP, VERSION, DetectorResource.KIND.kind, DetectorResource.KIND.plural)
TRAINING_JOBS = Kind(GROUP, VERSION, TrainingJobResource.KIND.kind, TrainingJobResource.KIND.plural)
DEPLOYMENTS = Kind("apps", "v1", "Deployment", "deployments")
JOBS = Kind("batch", "v1", "Job", "jobs")
PODS = Kind("", "v1", "Pod", "pods")
CONFIG_MAPS = Kind("", "v1", "ConfigMap", "configmaps")
SERVICES = Kind("", "v1", "Service", "services")
SECRETS = Kind("", "v1", "Secret", "secrets")
NODES = Kind("", "v1", "Node", "nodes", namespaced=False)
NAMESPACES = Kind("", "v1", "Namespace", "namespaces", namespaced=False)
LEASES = Kind("coordination.k8s.io", "v1", "Lease", "leases")
EVENTS = Kind("events.k8s.io", "v1", "Event", "events")
