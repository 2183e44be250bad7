"""What a server hands out as it is: pages, scripts, stimuli; by exact name, and from memory."""

import gzip
import hashlib
from dataclasses import dataclass
from importlib.resources import files

from fastapi import APIRouter, Request
from fastapi.responses import Response

from feint.survey.server.errors import refused

PAGES = {"/": "judge.html", "/researcher": "researcher.html"}
KINDS = {
    "js": "text/javascript; charset=utf-8",
    "css": "text/css; charset=utf-8",
    "txt": "text/plain; charset=utf-8",
}
"""Of what is served from vendor/."""
AGAIN = "no-cache"
"""Kept by a browser, who asks whether it is still the same."""


@dataclass(frozen=True)
class Asset:
    """A file, plain and packed, and the hash that tells a browser that it has it already."""

    plain: bytes
    packed: bytes
    kind: str
    tag: str
    cache: str

    @staticmethod
    def of(content: bytes, kind: str, cache: str = AGAIN) -> "Asset":
        """A file of a content type."""
        packed = gzip.compress(content, 6, mtime=0)
        tag = f'"{hashlib.sha256(content).hexdigest()[:32]}"'
        return Asset(content, packed, kind, tag, cache)

    def response(self, request: Request) -> Response:
        """What a request gets."""
        headers = {"Cache-Control": self.cache, "ETag": self.tag, "Vary": "Accept-Encoding"}
        if request.headers.get("if-none-match") == self.tag:
            return Response(status_code=304, headers=headers)
        packed = "gzip" in request.headers.get("accept-encoding", "").lower()
        if packed and len(self.packed) < len(self.plain):
            headers["Content-Encoding"] = "gzip"
            return Response(self.packed, media_type=self.kind, headers=headers)
        return Response(self.plain, media_type=self.kind, headers=headers)


def page(name: str) -> bytes | None:
    """A page's HTML; None if this feint was built without."""
    file = files("feint.survey.server").joinpath("pages", name)
    return file.read_bytes() if file.is_file() else None


def scripts() -> dict[str, bytes]:
    """What lies in vendor/, by name."""
    folder = files("feint.survey.server").joinpath("vendor")
    found = folder.iterdir() if folder.is_dir() else ()
    return {f.name: f.read_bytes() for f in found if f.name.rpartition(".")[2] in KINDS}


def pages() -> APIRouter:
    """The pages and scripts of a server; read once."""
    router = APIRouter(include_in_schema=False)
    there = {
        name: Asset.of(content, KINDS[name.rpartition(".")[2]])
        for name, content in scripts().items()
    }

    @router.get("/static/{file}")
    async def static(request: Request, file: str) -> Response:
        if file not in there:
            raise refused(404, "There is no such file here.")
        return there[file].response(request)

    for path, name in PAGES.items():
        content = page(name)
        _page(router, path, None if content is None else Asset.of(content, HTML))
    return router


HTML = "text/html; charset=utf-8"


def _page(router: APIRouter, path: str, asset: Asset | None) -> None:
    @router.get(path)
    async def shown(request: Request) -> Response:
        if asset is None:
            raise refused(404, "This page is not part of this feint.")
        return asset.response(request)
