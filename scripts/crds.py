"""Write crds/*.yaml from the contracts. Called by `make crds`; a test holds the files to it byte for byte."""

from __future__ import annotations

from pathlib import Path

from appliance.contracts.resources import crd
from appliance.contracts.resources.objects import RESOURCES

FOLDER = Path(__file__).parents[1] / "crds"


def main() -> None:
    FOLDER.mkdir(exist_ok=True)
    for model in RESOURCES:
        (FOLDER / crd.file_name(model)).write_text(crd.text(model), "utf-8")


if __name__ == "__main__":
    main()
