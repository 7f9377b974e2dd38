"""What a manifest may not say of its input."""

from __future__ import annotations

import pytest
from pydantic import ValidationError

from appliance.contracts.model_package import ModelInput

_HOST = {"where": "host", "scale": 0.1}


def test_the_host_normalises_real_numbers_only() -> None:
    """Whole numbers cannot hold what comes of it: such a run would break at its first tile."""
    given = {"bands": ["red"], "tile_size": 64, "halo": 8, "normalisation": _HOST}
    assert ModelInput.model_validate(given | {"dtype": "float32"}).normalisation.where == "host"
    with pytest.raises(ValidationError, match="dtype must be float32, not uint8"):
        ModelInput.model_validate(given)


def test_a_halo_leaves_a_core() -> None:
    with pytest.raises(ValidationError, match="no core is left"):
        ModelInput.model_validate({"bands": ["red"], "tile_size": 64, "halo": 32})
