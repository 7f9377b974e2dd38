"""The page: files that Vite built, and index.html for every address of the page itself. Needs no session: it holds no data."""

from __future__ import annotations

from pathlib import Path

from fastapi import APIRouter
from fastapi.responses import FileResponse, HTMLResponse, Response
from starlette.exceptions import HTTPException

_INDEX = "index.html"
_HASHED_FOLDER = "assets"
_NOT_BUILT = """<!doctype html><meta charset="utf-8"><title>Vedette</title>
<h1>The page was not built</h1><p>The API is running. Build the page with <code>make page</code>, then load this again.</p>
"""


def page_router(folder: Path) -> APIRouter:
    router = APIRouter(include_in_schema=False)
    root = folder.resolve()

    @router.api_route("/{path:path}", methods=["GET", "HEAD"], name="page")
    def serve_page(path: str) -> Response:
        if path == "api" or path.startswith("api/"):
            raise HTTPException(404, "there is no such route")
        file = _within(root, path)
        if file is not None:
            immutable = path.startswith(f"{_HASHED_FOLDER}/")
            control = "public, max-age=31536000, immutable" if immutable else "no-cache"
            return FileResponse(file, headers={"Cache-Control": control})
        if path.startswith(f"{_HASHED_FOLDER}/"):
            raise HTTPException(404, "there is no such file")
        if not (root / _INDEX).is_file():
            return HTMLResponse(_NOT_BUILT, 503, headers={"Cache-Control": "no-store"})
        return FileResponse(root / _INDEX, headers={"Cache-Control": "no-cache"})

    return router


def _within(root: Path, path: str) -> Path | None:
    """The file of that path inside the folder; None for anything else, above all for a way out of it."""
    if not path or "\0" in path:
        return None
    file = (root / path).resolve()
    return file if file.is_relative_to(root) and file.is_file() else None
