"""What a file is, by its first bytes, for the sentence a person reads. Decides nothing: GDAL does the reading."""

from __future__ import annotations

from pathlib import Path

_MAGIC: tuple[tuple[int, bytes, str], ...] = (
    (0, b"II*\0", "a TIFF"),
    (0, b"MM\0*", "a TIFF"),
    (0, b"II+\0", "a BigTIFF"),
    (0, b"MM\0+", "a BigTIFF"),
    (0, b"\x89PNG\r\n\x1a\n", "a PNG"),
    (0, b"\xff\xd8\xff", "a JPEG"),
    (0, b"\0\0\0\x0cjP  ", "a JPEG 2000"),
    (0, b"\xff\x4f\xff\x51", "a JPEG 2000"),
    (0, b"NITF", "a NITF"),
    (0, b"NSIF", "a NITF"),
    (0, b"PK\x03\x04", "a ZIP archive"),
    (0, b"\x1f\x8b", "a gzip file"),
    (0, b"7z\xbc\xaf", "a 7z archive"),
    (0, b"%PDF", "a PDF"),
    (0, b"GIF8", "a GIF"),
    (0, b"BM", "a BMP"),
    (0, b"\x89HDF", "an HDF5 file"),
    (0, b"CDF", "a netCDF file"),
    (0, b"<VRTDataset", "a GDAL virtual raster, which only points at other files"),
    (0, b"\x7fELF", "a program"),
    (8, b"WEBP", "a WebP"),
    (257, b"ustar", "a TAR archive"),
    (4, b"ftyp", "a video or HEIF image"),
)
READABLE = frozenset({"a TIFF", "a BigTIFF", "a PNG", "a JPEG", "a JPEG 2000", "a NITF"})


def looks_like(path: Path) -> str:
    """With its article, e.g. "a PNG", "a ZIP archive", "text"; "unknown data" where nothing fits."""
    with path.open("rb") as stream:
        head = stream.read(512)
    for offset, magic, kind in _MAGIC:
        if head[offset : offset + len(magic)] == magic:
            return kind
    stripped = head.lstrip()
    if stripped.startswith(b"<VRTDataset"):
        return "a GDAL virtual raster, which only points at other files"
    if stripped.startswith(b"<"):
        return "XML or HTML text"
    if head and all(byte >= 32 or byte in b"\t\r\n\f" for byte in head):
        return "text"
    return "unknown data"
