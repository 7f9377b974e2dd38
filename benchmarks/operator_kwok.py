"""What kwok plays for nodes and pods: they become ready at once, and the pods of Jobs end with the report that the real
container would leave in its termination message (contracts/resources/reports.py). Called by operator.py.
"""

from __future__ import annotations

import json

_BUILD_SECONDS = 1
_TRAINING_SECONDS = 5
_NODE = """\
conditions:
{{ range NodeConditions }}
- lastHeartbeatTime: {{ Now | Quote }}
  lastTransitionTime: {{ Now | Quote }}
  message: {{ .message | Quote }}
  reason: {{ .reason | Quote }}
  status: {{ .status | Quote }}
  type: {{ .type | Quote }}
{{ end }}
phase: Running
"""
_READY = """\
{{ $now := Now }}
conditions:
{{ range list "Initialized" "Ready" "ContainersReady" }}
- lastTransitionTime: {{ $now | Quote }}
  status: "True"
  type: {{ . }}
{{ end }}
containerStatuses:
{{ range .spec.containers }}
- image: {{ .image | Quote }}
  imageID: ""
  name: {{ .name | Quote }}
  ready: true
  started: true
  restartCount: 0
  state:
    running:
      startedAt: {{ $now | Quote }}
{{ end }}
phase: Running
podIP: 10.0.0.1
startTime: {{ $now | Quote }}
"""
# The task says which Job it is: that of an engine has `batch_tiles`, that of a training `spec`, that of gates `gates`.
_ENDED = """\
{{ $now := Now }}
{{ $said := "" }}
{{ range .spec.containers }}{{ range .env }}{{ if eq .name "VEDETTE_TASK" }}
  {{ $task := fromJson .value }}
  {{ if hasKey $task "spec" }}{{ $said = `%TRAINED%` }}
  {{ else if hasKey $task "gates" }}{{ $said = "" }}
  {{ else }}{{ $said = `%BUILT%` }}{{ end }}
{{ end }}{{ end }}{{ end }}
containerStatuses:
{{ range .spec.containers }}
- image: {{ .image | Quote }}
  imageID: ""
  name: {{ .name | Quote }}
  ready: false
  started: false
  restartCount: 0
  state:
    terminated:
      exitCode: 0
      reason: Completed
      message: {{ $said | Quote }}
      startedAt: {{ $now | Quote }}
      finishedAt: {{ $now | Quote }}
{{ end }}
conditions:
- lastTransitionTime: {{ $now | Quote }}
  status: "False"
  type: Ready
  reason: PodCompleted
phase: Succeeded
"""
BUILT = {"key": "kwok", "backend": "tensorrt", "precision": "fp16", "gpu": "kwok", "buildSeconds": 1}
TRAINED = {
    "model_package": {"storageUri": "s3://vedette/models/kwok/1.0.0", "digest": f"sha256:{'0' * 64}"},
    "verdict": {"fit": "Good", "goalMet": True},
}


def configuration() -> str:
    """YAML documents, each of them JSON."""
    ended = _ENDED.replace("%TRAINED%", json.dumps(TRAINED)).replace("%BUILT%", json.dumps(BUILT))
    of_a_job = _matches(".metadata.ownerReferences.[].kind", "In", "Job")
    trains = _matches('.metadata.labels["vedette.io/trainingjob"]', "Exists")
    trains_not = {**trains, "operator": "DoesNotExist"}
    living = _matches(".metadata.deletionTimestamp", "DoesNotExist")
    running = _matches(".status.phase", "In", "Running")
    stages = (
        _stage(
            "node-ready",
            "Node",
            [_matches('.status.conditions.[] | select( .type == "Ready" ) | .status', "NotIn", "True")],
            _NODE,
        ),
        _stage("pod-ready", "Pod", [living, _matches(".status.phase", "In", "Pending")], _READY),
        _stage("pod-built", "Pod", [living, running, of_a_job, trains_not], ended, _BUILD_SECONDS),
        _stage("pod-trained", "Pod", [living, running, of_a_job, trains], ended, _TRAINING_SECONDS),
        _stage("pod-gone", "Pod", [{**living, "operator": "Exists"}], None),
    )
    options = {"podPlayStageParallelism": 16, "nodePlayStageParallelism": 16}
    kwok = {"apiVersion": "config.kwok.x-k8s.io/v1alpha1", "kind": "KwokConfiguration", "options": options}
    return "\n---\n".join(json.dumps(each) for each in (kwok, *stages))


def _stage(
    name: str, kind: str, expressions: list[dict[str, object]], status: str | None, delay_seconds: int = 0
) -> dict[str, object]:
    """Without a `status` the object goes."""
    then: dict[str, object] = {"delete": True} if status is None else {"statusTemplate": status}
    spec: dict[str, object] = {
        "resourceRef": {"apiGroup": "v1", "kind": kind},
        "selector": {"matchExpressions": expressions},
        "next": then,
    }
    if delay_seconds:
        spec["delay"] = {"durationMilliseconds": 1000 * delay_seconds}
    return {"apiVersion": "kwok.x-k8s.io/v1alpha1", "kind": "Stage", "metadata": {"name": name}, "spec": spec}


def _matches(key: str, operator: str, *values: str) -> dict[str, object]:
    found: dict[str, object] = {"key": key, "operator": operator}
    return {**found, "values": list(values)} if values else found
