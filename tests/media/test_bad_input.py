"""Whatever comes in gets one sentence that names the file and one with the remedy, or it works. Nothing hangs or dies."""

from __future__ import annotations

import io
import os
import struct
import time
import warnings
import zipfile
import zlib
from pathlib import Path

import numpy as np
import pytest
import rasterio
import rasterio.shutil
from numpy.typing import NDArray
from PIL import Image

from appliance.contracts.errors import Code, Reason, VedetteError
from appliance.media.limits import Limits
from appliance.media.spawning import Nursery
from tests.media import feed
from tests.media.conftest import Normalise
from tests.media.pictures import UTM, texture, write
from tests.small_disk import small_disk

GEO = {"crs": "EPSG:32633", "transform": UTM}
pytestmark = pytest.mark.filterwarnings("ignore::rasterio.errors.NotGeoreferencedWarning")
SMALL = Limits(memory_bytes=1 << 30, expansion_from_bytes=1 << 24)


def refused(make: Normalise, path: Path, limits: Limits = SMALL) -> Reason:
    with pytest.raises(VedetteError) as raised:
        make(path, limits)
    reason = raised.value.reason
    assert path.name in reason.message
    assert reason.remedy
    for text in (reason.message, reason.remedy):
        assert "Traceback" not in text
        assert "\n" not in text
        assert str(path.parent) not in text
    assert not reason.retryable
    assert list((path.parent / "out").glob("*")) == []
    return reason


def png(path: Path, width: int, height: int, rows: int) -> Path:
    """A PNG that claims width x height grey pixels and holds `rows` rows of zeros."""

    def chunk(kind: bytes, data: bytes) -> bytes:
        return struct.pack(">I", len(data)) + kind + data + struct.pack(">I", zlib.crc32(kind + data))

    header = struct.pack(">IIBBBBB", width, height, 8, 0, 0, 0, 0)
    data = zlib.compress(bytes((width + 1) * rows), 9) if rows else b""
    path.write_bytes(b"\x89PNG\r\n\x1a\n" + chunk(b"IHDR", header) + chunk(b"IDAT", data) + chunk(b"IEND", b""))
    return path


def tiff(path: Path, tags: dict[int, tuple[int, int, int]]) -> Path:
    """A classic little-endian TIFF of one directory: tag -> (type, count, value or offset)."""
    entries = b"".join(struct.pack("<HHII", tag, *fields) for tag, fields in sorted(tags.items()))
    path.write_bytes(b"II*\0" + struct.pack("<I", 8) + struct.pack("<H", len(tags)) + entries + b"\0" * 4 + b"x" * 64)
    return path


def test_empty(make: Normalise, tmp_path: Path) -> None:
    path = tmp_path / "nothing.tif"
    path.touch()
    assert refused(make, path).code is Code.EMPTY


@pytest.mark.parametrize(
    ("name", "content", "said"),
    [
        ("notes.tif", b"Dear colleague,\nthe scene is attached.\n", "text"),
        ("page.png", b"<!doctype html><html>", "XML or HTML text"),
        ("noise.jp2", bytes(range(256)) * 40, "unknown data"),
        ("doc.tif", b"%PDF-1.7\n%\xe2\xe3", "a PDF"),
        ("magic.tif", b"II*\0", "a TIFF"),
        ("magic.jpg", b"\xff\xd8\xff\xe0", "a JPEG"),
        ("magic.jp2", b"\0\0\0\x0cjP  \r\n\x87\n", "a JPEG 2000"),
        ("magic.ntf", b"NITF02.10", "a NITF"),
        ("../odd\nname.tif"[3:], b"hello", "text"),
    ],
)
def test_mislabelled(make: Normalise, tmp_path: Path, name: str, content: bytes, said: str) -> None:
    path = tmp_path / name.replace("\n", "_")
    path.write_bytes(content)
    reason = refused(make, path)
    assert reason.code is Code.UNREADABLE
    assert said in reason.message


def test_an_archive_is_not_opened(make: Normalise, tmp_path: Path) -> None:
    path = tmp_path / "scenes.tif"
    with zipfile.ZipFile(path, "w") as archive:
        archive.write(write(tmp_path / "a.tif", texture(1, 64, 64)), "a.tif")
    assert "a ZIP archive" in refused(make, path).message


VRT = """<VRTDataset rasterXSize="64" rasterYSize="64"><VRTRasterBand dataType="Byte" band="1"><SimpleSource>
<SourceFilename>{}</SourceFilename></SimpleSource></VRTRasterBand></VRTDataset>"""


@pytest.mark.parametrize("target", ["/etc/passwd", "/vsicurl/http://127.0.0.1:1/x.tif"])
def test_a_virtual_raster_is_not_followed(make: Normalise, tmp_path: Path, target: str) -> None:
    path = tmp_path / "scene.tif"
    path.write_text(VRT.format(target))
    assert "virtual raster" in refused(make, path).message


def test_overviews_elsewhere_are_not_followed(make: Normalise, tmp_path: Path) -> None:
    secret = write(tmp_path / "secret.tif", texture(1, 64, 64))
    path = write(tmp_path / "scene.tif", texture(1, 2000, 2000), **GEO)
    with rasterio.open(path, "r+") as dataset:
        dataset.update_tags(ns="OVERVIEWS", OVERVIEW_FILE=str(secret))
    assert refused(make, path).code is Code.UNSUPPORTED


@pytest.mark.parametrize(
    ("driver", "suffix"), [("GTiff", "tif"), ("PNG", "png"), ("JPEG", "jpg"), ("JP2OpenJPEG", "jp2"), ("NITF", "ntf")]
)
@pytest.mark.parametrize("share", [0.02, 0.5, 0.97])
def test_truncated(make: Normalise, tmp_path: Path, driver: str, suffix: str, share: float) -> None:
    path = tmp_path / f"cut.{suffix}"
    plain = write(tmp_path / "plain.tif", texture(3, 700, 700), compress="deflate", tiled=True)
    with rasterio.Env(GDAL_PAM_ENABLED="NO"), warnings.catch_warnings():
        warnings.simplefilter("ignore")
        rasterio.shutil.copy(plain, path, driver=driver)
    data = path.read_bytes()
    path.write_bytes(data[: int(len(data) * share)])
    assert refused(make, path).code in {Code.TRUNCATED, Code.UNREADABLE}


class TestBombs:
    def test_a_png_of_2_31_pixels(self, make: Normalise, tmp_path: Path) -> None:
        assert refused(make, png(tmp_path / "bomb.png", 46_341, 46_341, 10)).code is Code.TOO_LARGE

    def test_a_png_that_is_all_zeros(self, make: Normalise, tmp_path: Path) -> None:
        path = png(tmp_path / "zeros.png", 8000, 8000, 8000)
        assert "bomb" in refused(make, path).message

    @pytest.mark.parametrize("side", [46_341, 2**31 - 1, 2**32 - 1])
    def test_a_tiff_of_2_31_pixels(self, make: Normalise, tmp_path: Path, side: int) -> None:
        tags = {256: (4, 1, side), 257: (4, 1, side), 258: (3, 1, 8), 259: (3, 1, 8), 262: (3, 1, 1),
                273: (4, 1, 8), 277: (3, 1, 1), 278: (4, 1, side), 279: (4, 1, 60)}  # fmt: skip
        reason = refused(make, tiff(tmp_path / "bomb.tif", tags), Limits(memory_bytes=1 << 30))
        assert reason.code in {Code.TOO_LARGE, Code.UNREADABLE, Code.LIMIT}

    def test_a_sparse_tiff(self, make: Normalise, tmp_path: Path) -> None:
        path = tmp_path / "sparse.tif"
        options = {"tiled": True, "sparse_ok": True, "compress": "zstd", "count": 1, "dtype": "uint8", **GEO}
        with rasterio.open(path, "w", driver="GTiff", width=100_000, height=100_000, **options):
            pass
        assert "bomb" in refused(make, path).message

    def test_one_enormous_tile(self, make: Normalise, tmp_path: Path) -> None:
        path = tmp_path / "tile.tif"
        options = {"tiled": True, "blockxsize": 11_600, "blockysize": 11_600, "count": 1, "dtype": "uint16", **GEO}
        with rasterio.open(
            path, "w", driver="GTiff", width=11_600, height=11_600, sparse_ok=True, compress="lzw", **options
        ):
            pass
        reason = refused(make, path, Limits(memory_bytes=1 << 30))
        assert reason.code is Code.LIMIT
        assert "gdal_translate" in reason.remedy

    def test_one_long_strip_is_read_line_by_line(self, make: Normalise, tmp_path: Path) -> None:
        pixels = np.tile(texture(1, 500, 500), (1, 12, 12))
        make(
            write(tmp_path / "strip.tif", pixels, compress="lzw", blockysize=6000, **GEO), Limits(memory_bytes=1 << 29)
        )

    def test_too_many_bands(self, make: Normalise, tmp_path: Path) -> None:
        path = write(tmp_path / "bands.tif", np.ones((2001, 4, 4), np.uint8))
        assert refused(make, path).code is Code.BANDS

    def test_memory_runs_out(self, make: Normalise, tmp_path: Path) -> None:
        """A progressive JPEG is decoded whole by its library: here 300 MB of coefficients."""
        from PIL import Image

        path = tmp_path / "large.jpg"
        pixels = np.tile(texture(3, 500, 500).transpose(1, 2, 0), (14, 14, 1))
        Image.fromarray(pixels).save(path, quality=10, progressive=True, subsampling=0)
        reason = refused(make, path, Limits(memory_bytes=320 << 20))
        assert reason.code is Code.LIMIT
        assert "memory" in reason.message

    def test_time_runs_out(self, make: Normalise, tmp_path: Path) -> None:
        path = write(tmp_path / "slow.tif", _takes_seconds(), **GEO)
        begin = time.monotonic()
        assert "within" in refused(make, path, Limits(seconds=0.3, open_seconds=0.3)).message
        assert time.monotonic() - begin < 30

    def test_output_grows_too_large(self, make: Normalise, tmp_path: Path) -> None:
        rng = np.random.default_rng(5)
        path = write(tmp_path / "noise.tif", rng.integers(0, 256, (3, 2000, 2000)).astype(np.uint8), **GEO)
        assert refused(make, path, Limits(output_bytes=6_000_000)).code is Code.LIMIT


class TestMeaningless:
    def test_all_nodata(self, make: Normalise, tmp_path: Path) -> None:
        path = write(tmp_path / "void.tif", np.zeros((3, 300, 300), np.uint8), nodata=0, **GEO)
        assert refused(make, path).code is Code.EMPTY

    def test_all_transparent(self, make: Normalise, tmp_path: Path) -> None:
        path = tmp_path / "clear.png"
        from PIL import Image

        Image.fromarray(np.zeros((50, 50, 4), np.uint8)).save(path)
        assert refused(make, path).code is Code.EMPTY

    @pytest.mark.parametrize("value", [np.nan, np.inf, -np.inf])
    def test_not_a_number_everywhere(self, make: Normalise, tmp_path: Path, value: float) -> None:
        path = write(tmp_path / "nan.tif", np.full((1, 300, 300), value, np.float32), **GEO)
        assert refused(make, path).code is Code.EMPTY

    def test_no_band(self, make: Normalise, tmp_path: Path) -> None:
        path = tiff(tmp_path / "none.tif", {256: (4, 1, 64), 257: (4, 1, 64), 277: (3, 1, 0)})
        assert refused(make, path).code in {Code.EMPTY, Code.UNREADABLE}

    @pytest.mark.parametrize(
        ("crs", "transform", "said"),
        [
            ('LOCAL_CS["site grid",UNIT["metre",1]]', UTM, "coordinates|reference system"),
            ("EPSG:4326", rasterio.Affine(1, 0, 5000, 0, -1, 5000), "earth"),
            ("EPSG:32633", rasterio.Affine(0, 0, 1, 0, 0, 1), "degenerate"),
            (None, UTM, "no coordinate reference system"),
        ],
    )
    def test_a_broken_place_is_left_out(
        self, make: Normalise, tmp_path: Path, crs: str | None, transform: rasterio.Affine, said: str
    ) -> None:
        import re

        scene = make(write(tmp_path / "lost.tif", texture(1, 64, 64), crs=crs, transform=transform)).scene
        assert scene.crs is None
        assert scene.gsd_metres is None
        assert scene.transform == (1, 0, 0, 0, 1, 0)
        assert re.search(said, " ".join(scene.notes))

    def test_an_enormous_tag(self, make: Normalise, tmp_path: Path) -> None:
        path = write(tmp_path / "talk.tif", texture(1, 64, 64), tags={"story": "once upon " * 500_000}, **GEO)
        made = make(path, Limits(memory_bytes=1 << 30))
        assert made.scene_path.stat().st_size < 100_000

    def test_metadata_that_nests_without_end(self, make: Normalise, tmp_path: Path) -> None:
        path = write(tmp_path / "deep.tif", texture(1, 64, 64), tags={"x": "y" * 90_000}, **GEO)
        data = path.read_bytes()
        assert b"y" * 90_000 in data
        path.write_bytes(data.replace(b"y" * 90_000, (b"<a>" * 30_000)))
        make(path)

    def test_directories_in_a_circle(self, make: Normalise, tmp_path: Path) -> None:
        path = write(tmp_path / "circle.tif", texture(1, 64, 64), compress="deflate")
        data = bytearray(path.read_bytes())
        start = struct.unpack_from("<I", data, 4)[0]
        count = struct.unpack_from("<H", data, start)[0]
        struct.pack_into("<I", data, start + 2 + 12 * count, start)
        path.write_bytes(data)
        works_or_refuses(make, path)


def works_or_refuses(make: Normalise, path: Path) -> bool:
    """Whether it worked. Anything but success or a VedetteError naming the file fails the test."""
    reason = None
    try:
        made = make(path, SMALL)
    except VedetteError as error:
        reason = error.reason
    if reason is not None:
        assert path.name in reason.message
        assert reason.remedy
        assert reason.code is not Code.INTERNAL, reason
        return False
    with rasterio.open(made.scene_path) as scene:
        assert scene.width == made.scene.width
    return True


def test_random_mutations(make: Normalise, tmp_path: Path) -> None:
    """Seeded; up to 200 of them, as many as fit in 50 seconds."""
    valid = _specimens(tmp_path)
    rng, begin, done, worked = np.random.default_rng(20261122), time.monotonic(), 0, 0
    while done < 200 and time.monotonic() - begin < 50:
        source = valid[done % len(valid)]
        path = tmp_path / f"mutant{done}{source.suffix}"
        path.write_bytes(_mutate(source.read_bytes(), rng))
        worked += works_or_refuses(make, path)
        path.unlink()
        done += 1
    assert done >= 20
    assert worked < done


def _specimens(folder: Path) -> list[Path]:
    pixels = texture(3, 90, 110)
    plain = write(folder / "plain.tif", pixels, **GEO)
    made = [plain, write(folder / "lzw.tif", pixels, compress="lzw", tiled=True, blockxsize=32, blockysize=32)]
    with rasterio.Env(GDAL_PAM_ENABLED="NO"), warnings.catch_warnings():
        warnings.simplefilter("ignore")
        for driver, suffix in (("PNG", "png"), ("JPEG", "jpg"), ("JP2OpenJPEG", "jp2"), ("NITF", "ntf")):
            rasterio.shutil.copy(plain, folder / f"plain.{suffix}", driver=driver)
            made.append(folder / f"plain.{suffix}")
    return made


def _mutate(data: bytes, rng: np.random.Generator) -> bytes:
    """Some bytes changed, mostly in the first kilobyte where headers are; sometimes cut, sometimes doubled."""
    mutant = bytearray(data)
    for _ in range(int(rng.integers(1, 12))):
        limit = len(mutant) if rng.random() < 0.3 else min(len(mutant), 1024)
        mutant[int(rng.integers(0, limit))] = int(rng.choice([0, 255, 127, 128, int(rng.integers(0, 256))]))
    if rng.random() < 0.2:
        del mutant[int(rng.integers(1, len(mutant))) :]
    if rng.random() < 0.1:
        position = int(rng.integers(0, len(mutant)))
        mutant[position:position] = mutant[: int(rng.integers(0, 200))]
    return bytes(mutant)


@pytest.mark.parametrize("size", ["300k", "5m", "14m", "19m", "24m"])
def test_a_full_disk_is_retryable(nursery: object, tmp_path: Path, size: str) -> None:
    from appliance.media.normalise import normalise

    path = write(
        tmp_path / "in.tif", np.random.default_rng(4).integers(0, 256, (3, 2000, 2000)).astype(np.uint8), **GEO
    )
    disk = tmp_path / "disk"
    with small_disk(disk, size) as mounted:
        if not mounted:
            pytest.skip("mounting a small disk needs root, or sudo without a password")
        with pytest.raises(VedetteError, match=r"in\.tif.*full") as raised:
            normalise(path, "in.tif", disk, nursery=nursery)  # type: ignore[arg-type]
        assert raised.value.reason.code is Code.DISK
        assert raised.value.reason.retryable
        assert list(disk.iterdir()) == []


def test_the_decoder_sees_no_secret_and_no_network(nursery: object, monkeypatch: pytest.MonkeyPatch) -> None:
    """The nursery's environment is what every decoding process inherits."""
    from appliance.media.spawning import Nursery

    monkeypatch.setenv("VEDETTE_STORE_SECRET_KEY", "top-secret")
    with Nursery() as fresh:
        reader, writer = os.pipe()
        fresh.spawn(reader, writer, writer)
        assert fresh._process is not None
        there, until = Path(f"/proc/{fresh._process.pid}/environ"), time.monotonic() + 10
        while not (environment := there.read_bytes()) and time.monotonic() < until:
            time.sleep(0.01)  # for a moment, while the program is being replaced, there is none to be seen
        os.close(reader)
        os.close(writer)
    assert b"top-secret" not in environment
    assert b"GDAL_SKIP=AAIGrid" in environment


def test_a_killed_decoder_is_one_sentence(nursery: object, tmp_path: Path) -> None:
    import signal

    from appliance.media.normalise import normalise

    path = write(tmp_path / "in.tif", _takes_seconds(), **GEO)

    def kill_decoders(fraction: float) -> None:
        for child in _descendants(nursery._process.pid):  # type: ignore[attr-defined]
            os.kill(child, signal.SIGKILL)

    with pytest.raises(VedetteError, match=r"in\.tif could not be decoded"):
        normalise(path, "in.tif", tmp_path / "out", progress=kill_decoders, nursery=nursery)  # type: ignore[arg-type]


def test_a_dead_nursery_is_replaced(nursery: object, make: Normalise, tmp_path: Path) -> None:
    nursery._process.kill()  # type: ignore[attr-defined]
    nursery._process.wait()  # type: ignore[attr-defined]
    make(write(tmp_path / "in.tif", texture(1, 64, 64)))


def _takes_seconds() -> NDArray[np.uint8]:
    """Noise, for long enough that nobody who looks now and then comes too late."""
    return np.random.default_rng(6).integers(0, 256, (3, 8000, 8000), np.uint8)


def _descendants(pid: int) -> list[int]:
    import psutil

    return [child.pid for child in psutil.Process(pid).children(recursive=True)]


def jpeg(**options: object) -> bytes:
    picture = io.BytesIO()
    Image.fromarray(texture(3, 300, 400).transpose(1, 2, 0)).save(picture, "JPEG", **options)
    return picture.getvalue()


def test_stray_bytes_between_the_headers_of_a_jpeg_are_skipped_as_viewers_do(make: Normalise, tmp_path: Path) -> None:
    tables = (whole := jpeg()).index(b"\xff\xdb")
    path = tmp_path / "edited.jpg"
    path.write_bytes(whole[:tables] + b"junk" + whole[tables:])
    (tmp_path / "whole.jpg").write_bytes(whole)
    scene = make(path)
    assert scene.scene.notes == ["Its JPEG data holds stray bytes: parts of the picture may be damaged."]
    expected = make(tmp_path / "whole.jpg").scene
    assert expected.notes == []
    assert scene.scene.bands == expected.bands


def test_lost_pixels_of_a_jpeg_are_not_passed_on_as_grey(make: Normalise, tmp_path: Path) -> None:
    whole = jpeg()
    middle = whole.index(b"\xff\xda") + 4000
    path = tmp_path / "half.jpg"
    path.write_bytes(whole[:middle] + b"\xff\xd9" + whole[-2:])
    assert refused(make, path).code is Code.UNREADABLE


def test_a_picture_with_broken_exif_is_a_picture(make: Normalise, tmp_path: Path) -> None:
    path = tmp_path / "camera.jpg"
    path.write_bytes(jpeg(exif=b"Exif\0\0" + b"\xff" * 40))
    scene = make(path).scene
    assert (scene.width, scene.height) == (400, 300)
    assert "metadata is damaged" in " ".join(scene.notes)


def test_the_command_that_feeds_foreign_files(make: Normalise, nursery: Nursery, tmp_path: Path) -> None:
    (tmp_path / "good.jpg").write_bytes(jpeg())
    (tmp_path / "bad.tif").write_bytes(b"II*\0\xff\xff\xff\xff")
    assert [feed.outcome(path, nursery)[0] for path in feed.files([str(tmp_path)])] == ["unreadable", "scene"]
