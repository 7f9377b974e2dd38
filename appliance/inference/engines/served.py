"""A backend that serves at once with ONNX Runtime and goes over to an engine as soon as there is one. For workers.

What to do next is serving.py's decision; building, loading and going over are done here, on a thread of its own. Nothing
that goes wrong with an engine ends a run: it is told by `about`, and ONNX Runtime goes on.
"""

from __future__ import annotations

import threading
from collections.abc import Callable
from dataclasses import replace
from typing import Any

from numpy.typing import NDArray

from appliance.contracts.errors import VedetteError
from appliance.inference.backends.base import About, Backend, Outputs
from appliance.inference.engines import obtain
from appliance.inference.engines.cache import Engine, EngineCache
from appliance.inference.engines.obtain import Watch, Wish
from appliance.inference.engines.serving import Seen, Step, decide

Open = Callable[[Engine], Backend]
_MOST_STEPS = 8


class ServedBackend:
    def __init__(
        self,
        serving: Backend,
        cache: EngineCache,
        wish: Wish,
        open_engine: Open,
        *,
        cannot_run: str = "",
        built: Callable[[float], None] = lambda _seconds: None,
    ) -> None:
        """`serving` is owned and closed here. `built` is told the seconds of a build, for telemetry."""
        self._serving = serving
        self._cache, self._wish, self._open, self._built = cache, wish, open_engine, built
        self._seen = Seen(cannot_run=cannot_run)
        self._why = decide(self._seen).why
        self._users: dict[int, int] = {}
        self._idle = threading.Condition()
        self._stop = threading.Event()
        self._thread = threading.Thread(target=self._work, name="engine", daemon=True)
        self._thread.start()

    @property
    def about(self) -> About:
        about = self._serving.about
        return replace(about, why=about.why or self._why)

    @property
    def settled(self) -> bool:
        """Whether nothing more will be done about an engine."""
        return not self._thread.is_alive()

    def infer(self, tiles: NDArray[Any]) -> Outputs:
        with self._idle:
            backend = self._serving
            self._users[id(backend)] = self._users.get(id(backend), 0) + 1
        try:
            return backend.infer(tiles)
        finally:
            with self._idle:
                self._users[id(backend)] -= 1
                self._idle.notify_all()

    def interrupt(self) -> None:
        self._serving.interrupt()

    def close(self) -> None:
        """A build that runs is cancelled: it is begun again by whoever opens the model next."""
        self._stop.set()
        self._thread.join()
        self._serving.close()

    def _work(self) -> None:
        try:
            for _ in range(_MOST_STEPS):
                if self._stop.is_set() or not self._advance():
                    return
        except OSError as error:
            self._why = f"ONNX Runtime serves, because engines cannot be kept: {error.strerror or error}."

    def _advance(self) -> bool:
        """One step; False when there is no further one."""
        decision = decide(replace(self._seen, stored=isinstance(found := self._cache.get(self._wish.key), Engine)))
        self._why = decision.why
        if decision.step is Step.STAY:
            return False
        if decision.step is Step.LOAD and isinstance(found, Engine):
            return self._load(found)
        if decision.step is Step.REBUILD:
            self._cache.remove(self._wish.key.name)
        engine = self._build()
        # What was just built is loaded at once, even after one that did not load.
        return True if engine is None else self._load(engine)

    def _build(self) -> Engine | None:
        try:
            obtained = obtain.obtain(self._cache, self._wish, Watch(cancelled=self._stop.is_set))
        except VedetteError as error:
            self._seen = replace(self._seen, build_problem=str(error.reason))
            return None
        if obtained.build_seconds is not None:
            self._built(obtained.build_seconds)
        return obtained.engine

    def _load(self, engine: Engine) -> bool:
        """Go over to the engine, True where it does not load: then there is more to decide."""
        try:
            backend = self._open(engine)
        except VedetteError as error:
            failed = self._seen.loads_failed + 1
            self._seen = replace(self._seen, loads_failed=failed, load_problem=str(error.reason))
            return True
        with self._idle:
            before, self._serving = self._serving, backend
            self._why = ""
            self._idle.wait_for(lambda: not self._users.get(id(before)))
        before.close()
        return False
