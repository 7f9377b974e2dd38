"""Write crds/*.yaml, and the chart's copies, from the contracts. Called by `make crds`; a test holds the files to it byte for byte."""

from __future__ import annotations

from pathlib import Path

from appliance.contracts.resources import crd
from appliance.contracts.resources.objects import RESOURCES

_ROOT = Path(__file__).parents[1]
FOLDERS = (_ROOT / "crds", _ROOT / "charts" / "vedette" / "files" / "crds")
"""Helm cannot read outside of a chart."""


def main() -> None:
    for folder in FOLDERS:
        folder.mkdir(parents=True, exist_ok=True)
        for model in RESOURCES:
            (folder / crd.file_name(model)).write_text(crd.text(model), "utf-8")


if __name__ == "__main__":
    main()
