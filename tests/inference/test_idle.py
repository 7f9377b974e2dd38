"""Time with nothing in the model, counted with a clock that the test turns."""

from __future__ import annotations

from appliance.inference.idle import IdleClock


def test_only_time_with_no_batch_in_the_model_counts() -> None:
    at = [100.0]
    idle = IdleClock(lambda: at[0])
    at[0] += 3  # opening, until the first batch
    first = idle.busy()
    first.__enter__()
    at[0] += 5
    with idle.busy():
        at[0] += 7
        first.__exit__(None, None, None)
        at[0] += 11
    at[0] += 2
    with idle.busy():
        at[0] += 13
    at[0] += 17  # writing what was found
    assert idle.seconds == 3 + 2
