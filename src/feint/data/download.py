"""Fetch SBU Kinect Interaction: one zip a set, kept as it comes (`sbu.read` reads zips).

pooch decides what to fetch, and moves a file to its name only when it is whole; `_Fetcher` is the
pooch downloader that resumes, retries and verifies.  The dataset publishes no checksums, so what
arrives is verified by its length, the zip's own checksums and by parsing every sequence in it; its
SHA256 then stands in `<root>/download.json`, and every later run compares.
"""

import re
import time
import zipfile
from collections.abc import Iterator, Sequence
from contextlib import contextmanager
from dataclasses import dataclass
from pathlib import Path
from typing import Annotated

import pooch
import requests
from pydantic import BaseModel, Field, ValidationError
from rich.console import Console
from rich.progress import (
    BarColumn,
    DownloadColumn,
    Progress,
    TaskID,
    TextColumn,
    TimeRemainingColumn,
    TransferSpeedColumn,
)

from feint.data.sbu import SETS
from feint.data.sbu_files import BROKEN_ZIP, files_in_zip, parse
from feint.errors import FeintError

OFFICIAL_URL = "http://vision.cs.stonybrook.edu/~kiwon/Datasets/SBU_Kinect_Interactions/"
LARGEST_ZIP = 16 * 2**30
CHUNK = 2**16
PASSING_STATUS = {408, 425, 429, 500, 502, 503, 504}


def download(
    root: Path,
    sets: Sequence[str] = SETS,
    base_url: str = OFFICIAL_URL,
    progress: bool = True,
    attempts: int = 5,
    timeout: float = 30.0,
) -> list[Path]:
    """Fetch the sets that are not there yet, and verify all of them.

    A set already there is compared with its recorded SHA256; one that broke off goes on where it
    stopped, if the server allows it.

    Args:
        root: the folder for `<set>.zip`; made if it is not there.
        sets: which of the dataset's 21 sets.
        base_url: where `<set>.zip` lies.
        progress: show progress bars on stderr.
        attempts: how often a set is tried; the pause between doubles from 1 s, up to `timeout`.
        timeout: seconds without a byte after which a connection counts as stalled.

    Returns:
        The zips, in the order of `sets`.

    Raises:
        FeintError: an unknown set, a server that does not deliver or delivers something else, a
            zip that was there and is damaged, a folder that cannot be written.
    """
    if unknown := [name for name in sets if name not in SETS]:
        raise FeintError(f"download got sets {unknown}; expected some of {', '.join(SETS)}.")
    if attempts < 1 or not timeout > 0:
        raise FeintError(
            f"download got attempts={attempts} and timeout={timeout}; expected at least one "
            "attempt and a timeout above 0 s."
        )
    columns = (
        TextColumn("{task.description}"),
        BarColumn(),
        DownloadColumn(),
        TransferSpeedColumn(),
        TimeRemainingColumn(),
    )
    console = Console(stderr=True)
    try:
        root.mkdir(parents=True, exist_ok=True)
        record = _Record.load(root)
        with _quiet_pooch(), Progress(*columns, console=console, disable=not progress) as bars:
            return [
                _fetch(_Fetcher(name, root, record, attempts, timeout, bars), base_url)
                for name in sets
            ]
    except OSError as error:
        raise FeintError(
            f"download could not write below {root}: {error}. Make room there or name another "
            "folder; what has arrived is kept, and another run goes on from there."
        ) from error


class _Arrived(BaseModel):
    """A zip that was fetched and verified."""

    url: str
    sha256: Annotated[str, Field(pattern=r"^[0-9a-f]{64}$")]


class _Part(BaseModel):
    """A zip that broke off; by `validator`, its ETag or date, the server tells if it changed."""

    url: str
    validator: str
    size: int


class _Record(BaseModel):
    """`<root>/download.json`: what arrived and what broke off, by set."""

    arrived: dict[str, _Arrived] = {}
    parts: dict[str, _Part] = {}

    @staticmethod
    def load(root: Path) -> "_Record":
        path = root / "download.json"
        if not path.exists():
            return _Record()
        try:
            return _Record.model_validate_json(path.read_bytes())
        except ValidationError as error:
            raise FeintError(
                f"{path} is no record of a download ({error.error_count()} problems); expected "
                "what feint wrote. Remove it: the zips there are then verified anew."
            ) from error

    def save(self, root: Path) -> None:
        unfinished = root / "download.json.unfinished"
        unfinished.write_text(self.model_dump_json(indent=2) + "\n", encoding="utf-8")
        unfinished.replace(root / "download.json")


class _Again(Exception):  # noqa: N818
    """An attempt failed in a way that may pass."""


@dataclass(frozen=True)
class _Fetcher:
    """A pooch downloader for one set: collects in `<set>.zip.part`, hands over a verified zip."""

    name: str
    root: Path
    record: _Record
    attempts: int
    timeout: float
    bars: Progress

    @property
    def part(self) -> Path:
        return self.root / f"{self.name}.zip.part"

    def __call__(self, url: str, output_file: str, _: object) -> None:
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
                        f"{url} is no address to fetch from ({error}); expected http://..."
                    ) from error
                what = f"{type(error).__name__}: {error}"
        else:
            size = self.part.stat().st_size if self.part.exists() else 0
            raise FeintError(
                f"{url} (set {self.name}) did not arrive in {self.attempts} attempts; the last one "
                f"gave: {what}. {size} bytes are there. Look whether the address opens in a "
                "browser, then run again: what has arrived is kept."
            )
        if wrong := _what_is_wrong(self.part, self.name):
            self._forget()
            raise self._garbage(url, wrong)
        self.part.replace(output_file)

    def _attempt(self, url: str, bar: TaskID) -> None:
        """Fetch what is missing.  Raises _Again or a requests error where it pays to try again."""
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
        """From the answer's head: the byte it begins at, and the whole's size if it is told."""
        status = response.status_code
        if status in PASSING_STATUS:
            raise _Again(f"status {status} {response.reason}")
        if status == 206 and done and known:
            told = response.headers.get("Content-Range", "")
            match = re.fullmatch(r"bytes ([0-9]+)-[0-9]+/([0-9]+)", told)
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
        """Drop what has arrived of this set."""
        self.part.unlink(missing_ok=True)
        if self.record.parts.pop(self.name, None):
            self.record.save(self.root)

    def _garbage(self, url: str, what: str) -> FeintError:
        return FeintError(
            f"{url} gave {what}; expected the zip of set {self.name}. Look at the "
            "address in a browser, or name another base_url."
        )


def _fetch(fetcher: _Fetcher, base_url: str) -> Path:
    """One set: there and verified when this returns."""
    name, record = fetcher.name, fetcher.record
    url, path = f"{base_url.rstrip('/')}/{name}.zip", fetcher.root / f"{name}.zip"
    arrived = record.arrived.get(name)
    if arrived is None and path.exists() and (wrong := _what_is_wrong(path, name)):
        raise FeintError(
            f"{path} was there before and is damaged: {wrong}. Remove it and run again to fetch it."
        )
    try:
        pooch.retrieve(
            url,
            known_hash=arrived.sha256 if arrived else None,
            fname=path.name,
            path=fetcher.root.resolve(),
            downloader=fetcher,
        )
    except FeintError:
        raise
    except ValueError as error:
        raise FeintError(
            f"{url} has changed since it was first fetched: {error} If the new one is to be "
            f"trusted, remove {fetcher.root / 'download.json'} and run again."
        ) from error
    broke_off = record.parts.pop(name, None)
    if arrived is None:
        record.arrived[name] = _Arrived(url=url, sha256=pooch.file_hash(str(path)))
    if arrived is None or broke_off:
        record.save(fetcher.root)
    return path


def _what_is_wrong(path: Path, name: str) -> str | None:
    """Why a file is not a sound zip of a set; None if it is."""
    try:
        with zipfile.ZipFile(path) as archive:
            if broken := archive.testzip():
                return f"a zip whose member {broken} is damaged"
    except BROKEN_ZIP as error:
        return f"no sound zip file ({type(error).__name__}: {error})"
    found = 0
    for file in files_in_zip(path, name):
        _, damage = parse(file)
        if damage:
            return str(damage[0])
        found += 1
    return None if found else "a zip without any <category>/<run>/skeleton_pos.txt"


@contextmanager
def _quiet_pooch() -> Iterator[None]:
    """Without pooch's messages on stderr: the bars tell it."""
    logger = pooch.get_logger()
    level = logger.level
    logger.setLevel("WARNING")
    try:
        yield
    finally:
        logger.setLevel(level)
