"""Static files of the server: pages, scripts and stimuli, by exact name and from memory.

`app.py` mounts them.  The pages themselves are in `pages/`, their scripts are built from
`frontend/src/survey/`.
"""

import gzip
import hashlib
from dataclasses import dataclass
from importlib.resources import files

from fastapi import APIRouter, Request
from fastapi.responses import Response

from feint.survey.server.errors import http_error

PAGES = {"/": "judge.html", "/researcher": "researcher.html"}
KINDS = {
    "js": "text/javascript; charset=utf-8",
    "css": "text/css; charset=utf-8",
    "txt": "text/plain; charset=utf-8",
}
"""Content types of the files in vendor/, by suffix."""
REVALIDATE = "no-cache"
"""A browser may keep the file, and asks each time whether it has changed."""


@dataclass(frozen=True)
class Asset:
    """A file in memory.

    Attributes:
        plain, gzipped: the content.
        media_type: the content type.
        etag: the hash by which a browser knows that its copy is current.
        cache: value of the header Cache-Control.
    """

    plain: bytes
    gzipped: bytes
    media_type: str
    etag: str
    cache: str

    @staticmethod
    def of(content: bytes, media_type: str, cache: str = REVALIDATE) -> "Asset":
        """Compress and hash a file."""
        gzipped = gzip.compress(content, 6, mtime=0)
        etag = f'"{hashlib.sha256(content).hexdigest()[:32]}"'
        return Asset(content, gzipped, media_type, etag, cache)

    def response(self, request: Request) -> Response:
        """The response to a request: 304 if the browser has the file, compressed if it can."""
        headers = {"Cache-Control": self.cache, "ETag": self.etag, "Vary": "Accept-Encoding"}
        if request.headers.get("if-none-match") == self.etag:
            return Response(status_code=304, headers=headers)
        accepted = "gzip" in request.headers.get("accept-encoding", "").lower()
        if accepted and len(self.gzipped) < len(self.plain):
            headers["Content-Encoding"] = "gzip"
            return Response(self.gzipped, media_type=self.media_type, headers=headers)
        return Response(self.plain, media_type=self.media_type, headers=headers)


def page(name: str) -> bytes | None:
    """A page's HTML; None if the installation lacks it."""
    file = files("feint.survey.server").joinpath("pages", name)
    return file.read_bytes() if file.is_file() else None


def scripts() -> dict[str, bytes]:
    """The files in vendor/, by name."""
    folder = files("feint.survey.server").joinpath("vendor")
    found = folder.iterdir() if folder.is_dir() else ()
    return {f.name: f.read_bytes() for f in found if f.name.rpartition(".")[2] in KINDS}


def pages() -> APIRouter:
    """The routes of the pages and scripts; the files are read once."""
    router = APIRouter(include_in_schema=False)
    assets = {
        name: Asset.of(content, KINDS[name.rpartition(".")[2]])
        for name, content in scripts().items()
    }

    @router.get("/static/{file}")
    async def static(request: Request, file: str) -> Response:
        if file not in assets:
            raise http_error(404, "This file does not exist.")
        return assets[file].response(request)

    for path, name in PAGES.items():
        content = page(name)
        _page(router, path, None if content is None else Asset.of(content, HTML))
    return router


HTML = "text/html; charset=utf-8"


def _page(router: APIRouter, path: str, asset: Asset | None) -> None:
    @router.get(path)
    async def shown(request: Request) -> Response:
        if asset is None:
            raise http_error(404, "This installation of feint lacks the page.")
        return asset.response(request)
