"""How versions change: what a platform engineer sees from the first apply to a rollback, decision by decision."""

from __future__ import annotations

from vedette_operator.reconcile.observed import Problem

from tests.operator_reconcile.world import SNAPSHOT, World, detector, package, package_digest


def _asked(world: World, number: int) -> None:
    world.change(**{path.replace("/", "__"): value for path, value in package(number).items()})


def test_the_first_version_serves_once_engine_gates_and_pod_are_there() -> None:
    world = World(detector())
    world.settle()
    assert world.condition("Ready")[:2] == ("False", "BuildingEngine")
    assert world.condition("EngineReady")[:2] == ("False", "Building")
    assert [kind for kind, _ in world.observed.children] == ["Job"]
    world.engine_ends(well=True)
    world.settle()
    assert world.condition("Ready")[1] == "EvaluatingGates"
    assert not world.deployed(world.detector.spec.model.digest)
    world.gates_end(0.9)
    world.settle()
    assert world.condition("Ready")[1] == "Starting"
    world.pods(ready=True)
    world.settle()
    assert world.status.current_version == "1.0.0"
    assert world.status.canary is None
    assert world.condition("Ready")[:2] == ("True", "Serving")
    assert world.plans[-2].events[0].reason == "Promoted"


def test_a_better_version_is_a_canary_first_and_then_takes_all() -> None:
    world = World(detector())
    world.serve()
    _asked(world, 2)
    world.settle()
    world.engine_ends(well=True)
    world.settle()
    assert world.status.canary is not None
    assert world.status.canary.percent == 0
    world.gates_end(0.9)
    world.settle()
    world.pods(ready=True)
    world.settle()
    assert world.status.canary.percent == 10
    assert world.status.current_version == "1.0.0"
    assert world.condition("Progressing")[:2] == ("True", "Canary")
    world.pass_time(59)
    world.settle()
    assert world.status.current_version == "1.0.0"
    world.pass_time(1)
    world.settle()
    assert (world.status.current_version, world.status.previous_version) == ("2.0.0", "1.0.0")
    assert not world.deployed(package_digest(1))


def test_a_worse_version_is_rejected_by_metric_and_snapshot_and_the_old_one_serves_on() -> None:
    world = World(detector())
    world.serve()
    _asked(world, 2)
    world.settle()
    world.engine_ends(well=True)
    world.settle()
    world.gates_end(0.83, baseline=0.85)
    world.settle()
    status, reason, message = world.condition("Degraded")
    assert (status, reason) == ("True", "GateFailed")
    assert SNAPSHOT in message
    assert "f1 is 0.83" in message
    assert "0.84 is required" in message
    assert world.status.current_version == "1.0.0"
    assert world.condition("Ready")[0] == "True"
    rejected = next(event for plan in world.plans for event in plan.events if event.warning)
    assert rejected.message.endswith("1.0.0 serves on.")


def test_a_rejected_version_is_tried_again_only_when_asked() -> None:
    world = World(detector())
    world.serve()
    _asked(world, 2)
    world.settle()
    world.engine_ends(well=True)
    world.settle()
    world.gates_end(0.1)
    world.settle()
    world.pass_time(86_400)
    assert world.settle() == 1
    world.change(spec__rollout__retry=1)
    world.settle()
    assert world.status.canary is not None
    world.gates_end(0.9)
    world.engine_ends(well=True)
    world.settle()
    world.gates_end(0.9)
    world.settle()
    world.pods(ready=True)
    world.settle()
    world.pass_time(60)
    world.settle()
    assert world.status.current_version == "2.0.0"
    assert world.status.rejected is None
    assert world.condition("Degraded")[0] == "False"


def test_a_rollout_that_does_not_come_to_serve_goes_back_after_its_deadline() -> None:
    world = World(detector())
    world.serve()
    _asked(world, 2)
    world.settle()
    world.engine_ends(well=True)
    world.settle()
    world.gates_end(0.9)
    world.settle()
    world.pods(ready=False, waiting="CrashLoopBackOff", exit_code=3, message="The card is too small.")
    world.settle()
    assert world.plans[-1].wake is not None
    world.now = world.plans[-1].wake
    world.settle()
    status, reason, message = world.condition("Degraded")
    assert (status, reason) == ("True", "ProgressDeadlineExceeded")
    assert "exit code 3" in message
    assert world.status.current_version == "1.0.0"
    assert not world.deployed(package_digest(2))


def test_a_canary_whose_pod_falls_loses_its_traffic_at_once() -> None:
    world = World(detector())
    world.serve()
    _asked(world, 2)
    world.settle()
    world.engine_ends(well=True)
    world.settle()
    world.gates_end(0.9)
    world.settle()
    world.pods(ready=True)
    world.settle()
    world.pods(ready=False)
    world.settle()
    assert world.status.canary is not None
    assert world.status.canary.percent == 0
    assert world.status.canary.ready_since is None


def test_something_missing_stops_a_rollout_and_nothing_else() -> None:
    world = World(detector())
    world.serve()
    _asked(world, 2)
    world.lacks(Problem("ConfigMapMissing", "The ConfigMap harbour is not there: create it."))
    world.settle()
    assert world.condition("Degraded")[:2] == ("True", "ConfigMapMissing")
    assert world.condition("Ready")[0] == "True"
    assert not any(kind == "Job" and "-g-" in name for kind, name in world.observed.children)


def test_an_engine_that_cannot_be_built_is_replaced_by_onnx_runtime_and_said() -> None:
    world = World(detector())
    world.settle()
    world.engine_ends(well=False)
    world.settle()
    world.gates_end(0.9)
    world.settle()
    world.pods(ready=True)
    world.settle()
    assert world.status.engine is not None
    assert world.status.engine.backend == "onnxruntime"
    status, reason, message = world.condition("EngineReady")
    assert (status, reason) == ("False", "BuildFailed")
    assert "ONNX Runtime serves instead" in message


def test_tensorrt_asked_for_by_name_is_never_replaced_silently() -> None:
    world = World(detector(spec__runtime__backend="tensorrt"))
    world.settle()
    world.engine_ends(well=False)
    world.settle()
    assert world.condition("Degraded")[:2] == ("True", "EngineFailed")
    assert world.status.current_version is None


def test_suspend_takes_the_pods_and_gives_them_back() -> None:
    world = World(detector(spec__scaling__minReplicas=2))
    world.serve()
    assert world.status.replicas is not None
    assert world.status.replicas.desired == 2
    world.change(spec__suspend=True)
    world.settle()
    assert world.condition("Ready")[:2] == ("False", "Suspended")
    assert world.status.replicas.desired == 0
    world.change(spec__suspend=False)
    world.settle()
    assert world.status.replicas.desired == 2
