"""Downloads that resume after a break (RFC 9110 range requests) and are verified.

Nothing here is about one dataset: `sbu/download.py` says which zips to fetch, and how to check one.
pooch, which moves a finished file to its place, cannot resume. urllib3's `Retry` repeats a request
but cannot change it, and every attempt here asks for the bytes that are still missing, so the
attempts are a loop of a dozen lines.
"""

import re
import time
from collections.abc import Callable
from dataclasses import dataclass
from pathlib import Path
from typing import Annotated

import requests
from pydantic import BaseModel, Field, ValidationError
from rich.progress import Progress, TaskID

from feint.errors import FeintError

LARGEST_ZIP = 16 * 2**30


CHUNK = 2**16


PASSING_STATUS = {408, 425, 429, 500, 502, 503, 504}
"""Status codes after which another attempt may succeed."""


class Arrived(BaseModel):
    """A zip that was fetched and verified, by its hash."""

    url: str
    sha256: Annotated[str, Field(pattern=r"^[0-9a-f]{64}$")]


class _Part(BaseModel):
    """An unfinished zip; the server knows by `validator`, an ETag or a date, if it has changed."""

    url: str
    validator: str
    size: int


class Record(BaseModel):
    """`<root>/download.json`: finished and unfinished zips, by set."""

    arrived: dict[str, Arrived] = {}
    parts: dict[str, _Part] = {}

    @staticmethod
    def load(root: Path) -> "Record":
        """Read a folder's record; an empty one if there is no file.

        Raises:
            FeintError: the file is not a record.
        """
        path = root / "download.json"
        if not path.exists():
            return Record()
        try:
            return Record.model_validate_json(path.read_bytes())
        except ValidationError as error:
            raise FeintError(
                f"{path} is not a record of downloads ({error.error_count()} problems). Remove it: "
                "the zips in the folder are then verified again.",
                code="damaged-file",
            ) from error

    def save(self, root: Path) -> None:
        """Write the record in place of the earlier one."""
        unfinished = root / "download.json.unfinished"
        unfinished.write_text(self.model_dump_json(indent=2) + "\n", encoding="utf-8")
        unfinished.replace(root / "download.json")


class _Again(Exception):  # noqa: N818
    """An attempt failed, and another one may succeed."""


@dataclass(frozen=True)
class Fetcher:
    """A pooch downloader for one zip, which collects in `<name>.zip.part` and verifies the whole.

    Attributes:
        name: of the set.
        root: the folder for the zip.
        record: of this folder; it is kept up to date.
        attempts: how often to try; the pause between doubles from 1 s, up to `timeout`.
        timeout: seconds without a byte after which a connection counts as stalled.
        bars: where progress is shown.
        damage: says what is wrong with a zip of this name; None if nothing is.
    """

    name: str
    root: Path
    record: Record
    attempts: int
    timeout: float
    bars: Progress
    damage: Callable[[Path, str], str | None]

    @property
    def part(self) -> Path:
        """The file of a download that is under way."""
        return self.root / f"{self.name}.zip.part"

    def __call__(self, url: str, output_file: str, _: object) -> None:
        """Fetch `url` into `output_file`, as pooch asks a downloader to."""
        bar = self.bars.add_task(self.name, total=None)
        for attempt in range(self.attempts):
            if attempt:
                time.sleep(min(2.0 ** (attempt - 1), self.timeout))
            try:
                self._attempt(url, bar)
                break
            except _Again as error:
                what = str(error)
            except requests.RequestException as error:
                if isinstance(error, ValueError):
                    raise FeintError(
                        f"{url} is not an address to download from ({error}); expected http://...",
                        code="bad-url",
                    ) from error
                what = f"{type(error).__name__}: {error}"
        else:
            size = self.part.stat().st_size if self.part.exists() else 0
            raise FeintError(
                f"{url} (set {self.name}) did not arrive in {self.attempts} attempts; the last one "
                f"failed with: {what}. {size} bytes are there. Check that the address opens in a "
                "browser, then run again: these bytes are kept.",
                code="download-failed",
            )
        if wrong := self.damage(self.part, self.name):
            self._forget()
            raise self._garbage(url, wrong)
        self.part.replace(output_file)

    def _attempt(self, url: str, bar: TaskID) -> None:
        """Fetch what is missing; _Again or a requests error if another attempt may succeed."""
        known = self.record.parts.get(self.name)
        done = self.part.stat().st_size if self.part.exists() else 0
        if known is None or known.url != url or done > known.size:
            known, done = None, 0
        if known and done == known.size:
            return
        headers = {"Accept-Encoding": "identity", "User-Agent": "feint"}
        if known and done:
            headers |= {"Range": f"bytes={done}-", "If-Range": known.validator}
        with requests.get(url, headers=headers, stream=True, timeout=self.timeout) as response:
            done, size = self._start(response, url, done, known)
            self.bars.update(bar, completed=done, total=size)
            with self.part.open("ab" if done else "wb") as file:
                wrong = None
                for chunk in response.iter_content(CHUNK):
                    if not done and not chunk.startswith(b"PK"):
                        kind = response.headers.get("Content-Type", "untyped")
                        wrong = f"{kind} content that begins {chunk[:60]!r}"
                        break
                    file.write(chunk)
                    done += len(chunk)
                    self.bars.update(bar, completed=done)
                    if done > LARGEST_ZIP:
                        wrong = f"more than {LARGEST_ZIP} bytes"
                        break
        if wrong:
            self._forget()
            raise self._garbage(url, wrong)
        if size is not None and done != size:
            raise _Again(f"{done} bytes instead of {size}")

    def _start(
        self, response: requests.Response, url: str, done: int, known: _Part | None
    ) -> tuple[int, int | None]:
        """From the response's headers: the byte it begins at, and the total size if known."""
        status = response.status_code
        if status in PASSING_STATUS:
            raise _Again(f"status {status} {response.reason}")
        if status == 206 and done and known:
            given = response.headers.get("Content-Range", "")
            match = re.fullmatch(r"bytes ([0-9]+)-[0-9]+/([0-9]+)", given)
            if match and (int(match[1]), int(match[2])) == (done, known.size):
                return done, known.size
        if status in (206, 416):
            # Not the part asked for: begin again from the first byte.
            self._forget()
            raise _Again(
                f"status {status} with Content-Range {response.headers.get('Content-Range')}"
            )
        if status != 200:
            raise self._garbage(url, f"status {status} {response.reason}")
        length = response.headers.get("Content-Length", "")
        if "Content-Encoding" in response.headers or not length.isdecimal():
            self._forget()
            return 0, None
        etag = response.headers.get("ETag", "W/")
        validator = response.headers.get("Last-Modified") if etag.startswith("W/") else etag
        self._forget()
        if validator:
            self.record.parts[self.name] = _Part(url=url, validator=validator, size=int(length))
            self.record.save(self.root)
        return 0, int(length)

    def _forget(self) -> None:
        """Remove the unfinished zip and its record."""
        self.part.unlink(missing_ok=True)
        if self.record.parts.pop(self.name, None):
            self.record.save(self.root)

    def _garbage(self, url: str, what: str) -> FeintError:
        return FeintError(
            f"{url} gave {what}; expected the zip of set {self.name}. Look at the "
            "address in a browser, or give another base_url.",
            code="not-a-zip",
        )
