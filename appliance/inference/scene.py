"""Open a raster and decide how this detector reads it: bands, mask, overview, scale, stretch. Called by predict.py.

Knows GDAL (through rasterio) and the manifest's input; knows nothing of tiles or models.
"""

from __future__ import annotations

import os
import warnings
from collections.abc import Iterator
from contextlib import contextmanager
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any, Literal

import numpy as np
import rasterio
from rasterio._err import CPLE_BaseError
from rasterio.enums import MaskFlags
from rasterio.errors import NotGeoreferencedWarning, RasterioError
from rasterio.io import DatasetReader

from appliance.contracts.errors import Code, VedetteError
from appliance.contracts.model_package import Manifest, ModelInput
from appliance.inference import bands
from appliance.inference.options import SceneSource
from appliance.inference.sampling import estimated_stretch
from appliance.vision.georeference import Georeference
from appliance.vision.steps import before
from appliance.vision.stretch import Stretch

MaskKind = Literal["none", "alpha", "nodata", "dataset"]
GDAL_ERRORS = (RasterioError, CPLE_BaseError, UnicodeDecodeError, ValueError, OverflowError)
"""What rasterio lets out of GDAL, and of values in a file that make no sense to it."""

_SAME_SCALE = 0.02
_LARGEST_SIDE = 1 << 21
_REMOTE = ("/vsis3/", "/vsicurl/", "/vsigs/", "/vsiaz/")
_DEFAULT_OPTIONS = {
    "GDAL_CACHEMAX": 64 << 20,
    "GDAL_ERROR_ON_LIBJPEG_WARNING": "YES",
    "GDAL_HTTP_CONNECTTIMEOUT": "10",
    "GDAL_HTTP_TIMEOUT": "60",
    "GDAL_HTTP_MAX_RETRY": "3",
    "GDAL_MAX_DATASET_POOL_SIZE": "450",
}


@dataclass(frozen=True)
class Scene:
    """One raster as this detector reads it. `level_*` is the overview that is read, `work_*` the grid tiles lie on."""

    source: SceneSource
    driver: str
    width: int
    height: int
    level: int | None
    level_width: int
    level_height: int
    block: tuple[int, int]
    dtype: np.dtype[Any]
    indexes: tuple[int, ...]
    mask: MaskKind
    nodata: float | None
    work_width: int
    work_height: int
    georeference: Georeference
    stretch: Stretch | None
    notes: tuple[str, ...] = field(default=())

    @property
    def resampled(self) -> bool:
        return (self.work_width, self.work_height) != (self.level_width, self.level_height)

    @property
    def to_full(self) -> tuple[float, float]:
        """Full-resolution pixels per working pixel, across and down."""
        return self.width / self.work_width, self.height / self.work_height


def open_scene(source: SceneSource, manifest: Manifest) -> Scene:
    """Describe the scene. Raises VedetteError(NOT_FOUND, EMPTY, UNREADABLE, UNSUPPORTED, TOO_LARGE, BANDS, GSD, GEOREFERENCE)."""
    _look(source)
    with opened(source, None) as dataset:
        _check_size(source, dataset)
        chosen, notes = bands.choose(dataset, source, manifest.input.bands)
        dtype = np.result_type(*(np.dtype(dataset.dtypes[i - 1]) for i in chosen))
        if dtype.kind not in "uif":
            raise VedetteError(
                Code.UNSUPPORTED, f"{source.name} holds {dtype} pixels.", "Convert it to real numbers, 8 to 64 bits."
            )
        georeference = _georeference(source, dataset)
        scale, scale_note = _scale(source, manifest.input, georeference, (dataset.width, dataset.height))
        level = _overview(dataset.overviews(chosen[0]), scale)
        mask, nodata = _mask(dataset, chosen)
        stretch = _stretch(source, dataset, manifest, chosen, dtype)
        size = (dataset.width, dataset.height)
        driver = dataset.driver
    with opened(source, level) as dataset:
        block_height, block_width = dataset.block_shapes[chosen[0] - 1]
        level_size = (dataset.width, dataset.height)
    work = (max(1, round(size[0] * scale)), max(1, round(size[1] * scale))) if scale != 1 else size
    return Scene(
        source=source,
        driver=driver,
        width=size[0],
        height=size[1],
        level=level,
        level_width=level_size[0],
        level_height=level_size[1],
        block=(block_height, block_width),
        dtype=dtype,
        indexes=chosen,
        mask=mask,
        nodata=nodata,
        work_width=work[0],
        work_height=work[1],
        georeference=georeference,
        stretch=stretch,
        notes=(*notes, *scale_note),
    )


def environment(source: SceneSource) -> rasterio.Env:
    """GDAL's options for this scene, for the thread that enters it."""
    sidecars = {"GDAL_DISABLE_READDIR_ON_OPEN": "EMPTY_DIR"} if source.path.startswith("/vsi") else {}
    options = {**_DEFAULT_OPTIONS, **sidecars, **source.gdal_options}
    return rasterio.Env(**options)  # type: ignore[no-untyped-call]


@contextmanager
def opened(source: SceneSource, level: int | None) -> Iterator[DatasetReader]:
    """The dataset, or one of its overviews, closed at the end; GDAL's refusals become VedetteErrors."""
    with environment(source):
        dataset = open_dataset(source, level)
        try:
            yield dataset
        except GDAL_ERRORS as error:
            raise refusal(source, error) from error
        finally:
            dataset.close()


def open_dataset(source: SceneSource, level: int | None) -> DatasetReader:
    """A handle of its own (never shared between threads)."""
    extra = {} if level is None else {"OVERVIEW_LEVEL": level}
    try:
        with warnings.catch_warnings():
            warnings.simplefilter("ignore", NotGeoreferencedWarning)
            dataset: DatasetReader = rasterio.open(source.path, sharing=False, **extra)
            return dataset
    except GDAL_ERRORS as error:
        raise refusal(source, error) from error


def refusal(source: SceneSource, error: Exception) -> VedetteError:
    """What a person reads when GDAL cannot go on; a store that does not answer may be tried again."""
    text = str(error.__cause__ or error)
    # A store that breaks off in the middle looks like damage, and GDAL does not always say so.
    remote = source.path.startswith(_REMOTE)
    if remote and any(word in text for word in ("CURL", "HTTP", "timed out", "Timeout")):
        return VedetteError(Code.STORE, f"{source.name} could not be fetched from the object store.", retryable=True)
    if "not recognized" in text:
        return VedetteError(
            Code.UNREADABLE,
            f"{source.name} is not a raster that can be read.",
            "Give a GeoTIFF, JPEG 2000, PNG or JPEG.",
            retryable=remote,
        )
    return VedetteError(
        Code.TRUNCATED,
        f"{source.name} is damaged or cut short: {' '.join(text.split())[:200].rstrip('.')}.",
        "Copy the file again from where it came.",
        retryable=remote,
    )


def _look(source: SceneSource) -> None:
    if source.path.startswith("/vsi"):
        return
    path = Path(source.path)
    if not path.is_file():
        raise VedetteError(Code.NOT_FOUND, f"{source.name} is not a file.", "Check the path.")
    if path.stat().st_size == 0:
        raise VedetteError(Code.EMPTY, f"{source.name} is empty.", "Copy the file again from where it came.")
    if not os.access(path, os.R_OK):
        raise VedetteError(Code.UNREADABLE, f"{source.name} may not be read.", "Give yourself permission to read it.")


def _check_size(source: SceneSource, dataset: DatasetReader) -> None:
    if dataset.count == 0:
        raise VedetteError(Code.UNREADABLE, f"{source.name} holds no bands.", "Name one of its subdatasets.")
    if max(dataset.width, dataset.height) > _LARGEST_SIDE:
        raise VedetteError(
            Code.TOO_LARGE,
            f"{source.name} claims {dataset.width} x {dataset.height} pixels.",
            f"Cut it into parts of at most {_LARGEST_SIDE} pixels a side.",
        )


def _georeference(source: SceneSource, dataset: DatasetReader) -> Georeference:
    if source.info is not None:
        return Georeference.of(source.info.crs, source.info.transform, source.name)
    identity = (1.0, 0.0, 0.0, 0.0, 1.0, 0.0)
    transform = tuple(dataset.transform)[:6]
    if dataset.crs is None or tuple(transform) == identity:
        return Georeference.of(None, identity, source.name)
    a, b, c, d, e, f = (float(number) for number in transform)
    if not np.isfinite([a, b, c, d, e, f]).all() or a * e - b * d == 0:
        raise VedetteError(
            Code.GEOREFERENCE,
            f"The geotransform of {source.name} is broken.",
            "Correct it with `gdal_edit.py -a_ullr`, or remove it with `gdal_edit.py -unsetgt`.",
        )
    return Georeference.of(dataset.crs.to_wkt(), (a, b, c, d, e, f), source.name)


def _scale(
    source: SceneSource, wanted: ModelInput, georeference: Georeference, size: tuple[int, int]
) -> tuple[float, tuple[str, ...]]:
    """Working pixels per scene pixel, and what to say about it."""
    if wanted.gsd_metres is None:
        return 1.0, ()
    gsd = source.info.gsd_metres if source.info and source.info.gsd_metres else georeference.gsd_metres(*size)
    if gsd is None:
        nominal = wanted.gsd_metres.nominal
        return 1.0, (f"No georeference: its pixels are taken as {nominal:g} m, as the detector expects.",)
    allowed = wanted.gsd_metres
    if not allowed.minimum <= gsd <= allowed.maximum:
        raise VedetteError(
            Code.GSD,
            f"{source.name} has pixels of {gsd:.3g} m; this detector takes {allowed.minimum:g} to {allowed.maximum:g} m.",
            "Use a scene or a detector of another ground sample distance.",
        )
    scale = gsd / allowed.nominal
    return (1.0 if abs(scale - 1) <= _SAME_SCALE else scale), ()


def _overview(factors: list[int], scale: float) -> int | None:
    """The coarsest overview that is still at least as fine as the working grid."""
    fitting = [level for level, factor in enumerate(factors) if factor * scale <= 1 + _SAME_SCALE]
    return fitting[-1] if fitting else None


def _mask(dataset: DatasetReader, chosen: tuple[int, ...]) -> tuple[MaskKind, float | None]:
    flags = dataset.mask_flag_enums[chosen[0] - 1]
    if MaskFlags.alpha in flags:
        return "alpha", None
    if MaskFlags.nodata in flags:
        return "nodata", dataset.nodatavals[chosen[0] - 1]
    if MaskFlags.per_dataset in flags and MaskFlags.all_valid not in flags:
        return "dataset", None
    return ("nodata", float("nan")) if np.dtype(dataset.dtypes[chosen[0] - 1]).kind == "f" else ("none", None)


def _stretch(
    source: SceneSource, dataset: DatasetReader, manifest: Manifest, chosen: tuple[int, ...], dtype: np.dtype[Any]
) -> Stretch | None:
    """None where pixels go to the detector as they are."""
    asked = before.percentile_stretch(manifest.recipe)
    if manifest.input.dtype != "uint8" or (dtype == np.uint8 and asked is None):
        return None
    if source.info is not None and asked is None:
        recorded = [source.info.bands[index - 1] for index in chosen]
        return Stretch(tuple(b.low for b in recorded), tuple(b.high for b in recorded))
    low, high = asked or before.DEFAULT_PERCENTILES
    return estimated_stretch(dataset, chosen, low, high)
