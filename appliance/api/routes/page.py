"""The page: files that Vite built, and index.html for every address of the page itself. Needs no session: it holds no data."""

from __future__ import annotations

import html
from pathlib import Path

from fastapi import APIRouter
from fastapi.responses import FileResponse, HTMLResponse, Response
from starlette.exceptions import HTTPException

_INDEX = "index.html"
_HASHED_FOLDER = "assets"
_NOT_BUILT = """<!doctype html><meta charset="utf-8"><title>Vedette</title>
<h1>The page was not built</h1><p>The API is running. Build the page with <code>make page</code>, then load this again.</p>
"""


def page_router(folder: Path, marking: str = "", colour: str = "") -> APIRouter:
    """`marking` is written into the page itself, above and below: it is there before anybody signs in and before any
    script runs, and in whatever is printed."""
    router = APIRouter(include_in_schema=False)
    root = folder.resolve()

    @router.api_route("/{path:path}", methods=["GET", "HEAD"], name="page")
    def serve_page(path: str) -> Response:
        if path == "api" or path.startswith("api/"):
            raise HTTPException(404, "there is no such route")
        file = _within(root, path)
        if file is not None and path != _INDEX:
            immutable = path.startswith(f"{_HASHED_FOLDER}/")
            control = "public, max-age=31536000, immutable" if immutable else "no-cache"
            return FileResponse(file, headers={"Cache-Control": control})
        if path.startswith(f"{_HASHED_FOLDER}/"):
            raise HTTPException(404, "there is no such file")
        if not (root / _INDEX).is_file():
            return HTMLResponse(_NOT_BUILT, 503, headers={"Cache-Control": "no-store"})
        if marking:
            index = _marked((root / _INDEX).read_text(encoding="utf-8"), marking, colour)
            return HTMLResponse(index, headers={"Cache-Control": "no-cache"})
        return FileResponse(root / _INDEX, headers={"Cache-Control": "no-cache"})

    return router


def _marked(index: str, marking: str, colour: str) -> str:
    def banner(where: str) -> str:
        text, shade = html.escape(marking), html.escape(colour)
        return f'<aside class="marking" data-colour="{shade}" aria-label="Marking {where}">{text}</aside>'

    head, body = index.split("<body>", 1)
    body, end = body.rsplit("</body>", 1)
    return f"{head}<body>{banner('above')}{body}{banner('below')}</body>{end}"


def _within(root: Path, path: str) -> Path | None:
    """The file of that path inside the folder; None for anything else, above all for a way out of it."""
    if not path or "\0" in path:
        return None
    file = (root / path).resolve()
    return file if file.is_relative_to(root) and file.is_file() else None
