"""Download SBU Kinect Interaction: one zip for each set, kept as it is (`dataset.read` reads zips).

pooch decides what to fetch, and moves a file to its name only when it is complete; `Fetcher` is the
pooch downloader that resumes, retries and verifies. The dataset publishes no checksums, so a zip is
verified by its length, by its own checksums and by parsing every sequence in it. Its SHA256 is then
stored in `<root>/download.json`, and every later run compares it.
"""

import zipfile
from collections.abc import Iterator, Sequence
from contextlib import contextmanager
from pathlib import Path

import pooch
from rich.console import Console
from rich.progress import (
    BarColumn,
    DownloadColumn,
    Progress,
    ProgressColumn,
    TextColumn,
    TimeRemainingColumn,
    TransferSpeedColumn,
)

from feint.data.http_resume import Arrived, Fetcher, Record
from feint.data.sbu.constants import SETS
from feint.data.sbu.files import BROKEN_ZIP, files_in_zip, parse
from feint.errors import FeintError

OFFICIAL_URL = "http://vision.cs.stonybrook.edu/~kiwon/Datasets/SBU_Kinect_Interactions/"


def download(
    root: Path,
    sets: Sequence[str] = SETS,
    base_url: str = OFFICIAL_URL,
    progress: bool = True,
    attempts: int = 5,
    timeout: float = 30.0,
) -> list[Path]:
    """Download the sets that are missing, and verify all of them.

    A set that is present is compared with its recorded SHA256; an unfinished one continues where it
    stopped, if the server allows it.

    Args:
        root: the folder for `<set>.zip`; it is created if it is missing.
        sets: which of the dataset's 21 sets.
        base_url: the address of the folder with `<set>.zip`.
        progress: show progress bars on stderr.
        attempts: how often a set is tried; the pause between doubles from 1 s, up to `timeout`.
        timeout: seconds without a byte after which a connection counts as stalled.

    Returns:
        The zips, in the order of `sets`.

    Raises:
        FeintError: an unknown set, a server that does not deliver or delivers something else, a
            zip in the folder that is damaged, a folder that cannot be written.
    """
    if unknown := [name for name in sets if name not in SETS]:
        raise FeintError(
            f"download got sets {unknown}; expected some of {', '.join(SETS)}.", code="unknown-set"
        )
    if attempts < 1 or not timeout > 0:
        raise FeintError(
            f"download got attempts={attempts} and timeout={timeout}; expected at least one "
            "attempt and a timeout above 0 s.",
            code="bad-attempts",
        )
    console = Console(stderr=True)
    try:
        root.mkdir(parents=True, exist_ok=True)
        record = Record.load(root)
        with _quiet_pooch(), Progress(*_columns(), console=console, disable=not progress) as bars:
            return [
                _fetch(
                    Fetcher(name, root, record, attempts, timeout, bars, _what_is_wrong), base_url
                )
                for name in sets
            ]
    except OSError as error:
        raise FeintError(
            f"download could not write below {root}: {error}. Make room there or name another "
            "folder; what has arrived is kept, and another run continues from there.",
            code="cannot-write",
        ) from error


def _columns() -> tuple[ProgressColumn, ...]:
    return (
        TextColumn("{task.description}"),
        BarColumn(),
        DownloadColumn(),
        TransferSpeedColumn(),
        TimeRemainingColumn(),
    )


def _fetch(fetcher: Fetcher, base_url: str) -> Path:
    """Download and verify one set."""
    name, record = fetcher.name, fetcher.record
    url, path = f"{base_url.rstrip('/')}/{name}.zip", fetcher.root / f"{name}.zip"
    arrived = record.arrived.get(name)
    if arrived is None and path.exists() and (wrong := _what_is_wrong(path, name)):
        raise FeintError(
            f"{path} is damaged: {wrong}. Remove it and run again to download it.",
            code="damaged-file",
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
            f"{url} has changed since it was first downloaded: {error} If the new one is to be "
            f"trusted, remove {fetcher.root / 'download.json'} and run again.",
            code="changed-download",
        ) from error
    broke_off = record.parts.pop(name, None)
    if arrived is None:
        record.arrived[name] = Arrived(url=url, sha256=pooch.file_hash(str(path)))
    if arrived is None or broke_off:
        record.save(fetcher.root)
    return path


def _what_is_wrong(path: Path, name: str) -> str | None:
    """Why a file is not a readable zip of a set; None if it is."""
    try:
        with zipfile.ZipFile(path) as archive:
            if broken := archive.testzip():
                return f"a zip whose member {broken} is damaged"
    except BROKEN_ZIP as error:
        return f"not a readable zip file ({type(error).__name__}: {error})"
    found = 0
    for file in files_in_zip(path, name):
        _, damage = parse(file)
        if damage:
            return str(damage[0])
        found += 1
    return None if found else "a zip without any <category>/<run>/skeleton_pos.txt"


@contextmanager
def _quiet_pooch() -> Iterator[None]:
    """Silence pooch's messages on stderr; the progress bars show the same."""
    logger = pooch.get_logger()
    level = logger.level
    logger.setLevel("WARNING")
    try:
        yield
    finally:
        logger.setLevel(level)
