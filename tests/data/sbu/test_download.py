import io
import json
import os
import shutil
import threading
import time
import zipfile
from collections import deque
from collections.abc import Iterator
from email.utils import formatdate
from http.server import BaseHTTPRequestHandler, ThreadingHTTPServer
from pathlib import Path

import pytest
import requests
import torch
from tests.errors import refused

from feint.data import http_resume
from feint.data.http_resume import CHUNK
from feint.data.pairs import Interaction
from feint.data.sbu import dataset, write
from feint.data.sbu.download import download
from feint.errors import FeintError

SET = "s01s02"


def set_zip(folder: Path, name: str = SET, seed: int = 0) -> bytes:
    """A zip like the official ones: skeletons among images, here a few chunks long."""
    draw = torch.Generator().manual_seed(seed)
    people = torch.rand(2, 2, 5, 45, generator=draw) + 0.5
    keys = (f"{name}/01/001", f"{name}/02/001")
    labels = ("approaching", "departing")
    both = zip(keys, labels, people, strict=True)
    write.write([Interaction(k, name, label, *p) for k, label, p in both], folder)
    content = io.BytesIO()
    with zipfile.ZipFile(content, "w") as archive:
        for path in sorted((folder / name).rglob("*.txt")):
            archive.write(path, path.relative_to(folder))
        noise = torch.randint(256, (4 * CHUNK,), dtype=torch.uint8, generator=draw)
        archive.writestr(f"{name}/01/001/depth_000001.png", noise.numpy().tobytes())
    return content.getvalue()


class Server(ThreadingHTTPServer):
    """Serves `files`; each request takes the next of `modes`, at the end "good" or `always`."""

    daemon_threads = False  # so that server_close waits for them, and no socket is left open

    def __init__(self) -> None:
        super().__init__(("127.0.0.1", 0), Handler)
        self.files: dict[str, bytes] = {}
        self.modes: deque[str] = deque()
        self.always = "good"
        self.headers = {"Last-Modified": formatdate(0, usegmt=True)}
        self.ranges = True
        self.requests: list[tuple[str, str | None]] = []
        self.closing = threading.Event()

    @property
    def url(self) -> str:
        return f"http://127.0.0.1:{self.server_port}/data/"

    @property
    def asked(self) -> list[str | None]:
        """The Range each request asked for."""
        return [asked for _, asked in self.requests]

    def handle_error(self, request, client_address) -> None:
        """Clients that hang up are part of the play."""


class Handler(BaseHTTPRequestHandler):
    server: Server

    def log_message(self, *args) -> None:
        pass

    def answer(self, status: int, body: bytes, headers: dict[str, str], cut: int | None = None):
        self.send_response(status)
        for name, value in ({"Content-Length": str(len(body))} | headers).items():
            if value:
                self.send_header(name, value)
        self.end_headers()
        self.wfile.write(body[:cut])
        self.wfile.flush()

    def do_GET(self) -> None:
        server, asked = self.server, self.headers["Range"]
        server.requests.append((self.path, asked))
        mode = server.modes.popleft() if server.modes else server.always
        if mode.isdecimal():
            return self.answer(int(mode), b"<html>sorry</html>", {"Content-Type": "text/html"})
        if mode == "page":
            return self.answer(200, b"<html>log in first</html>", {"Content-Type": "text/html"})
        body = server.files.get(Path(self.path).name)
        if body is None:
            return self.answer(404, b"not found", {})
        whole, status, headers = len(body), 200, dict(server.headers)
        same = self.headers["If-Range"] in (None, headers.get("ETag"), headers.get("Last-Modified"))
        if asked and server.ranges and same and mode != "no range":
            start = int(asked.removeprefix("bytes=").removesuffix("-"))
            body, status = body[start:], 206
            headers["Content-Range"] = f"bytes {start}-{whole - 1}/{whole}"
            if mode == "wrong range":
                headers["Content-Range"] = f"bytes 0-{whole - 1}/{whole}"
        if mode == "no length":
            return self.answer(status, body, headers | {"Content-Length": ""})
        if mode in ("break", "stall"):
            # Cut off after half of what is left, in the middle of a chunk.
            self.answer(status, body, headers, cut=len(body) // 2)
            if mode == "stall":
                server.closing.wait(30)
            return None
        return self.answer(status, body, headers)


@pytest.fixture
def server(tmp_path, monkeypatch) -> Iterator[Server]:
    monkeypatch.setenv("NO_PROXY", "127.0.0.1")
    with Server() as server:
        server.files[f"{SET}.zip"] = set_zip(tmp_path / "source")
        thread = threading.Thread(target=server.serve_forever, kwargs={"poll_interval": 0.01})
        thread.start()
        yield server
        server.closing.set()
        server.shutdown()
        thread.join()


@pytest.fixture
def fetch(server, tmp_path, monkeypatch):
    """Fetch into <tmp>/root with little patience."""

    def fetch(sets=(SET,), attempts=3, timeout=0.3, url=server.url, progress=False) -> list[Path]:
        try:
            return download(tmp_path / "root", sets, url, progress, attempts, timeout)
        finally:
            there = {path.name for path in (tmp_path / "root").iterdir()}
            allowed = {f"{SET}.zip", f"{SET}.zip.part", "s02s01.zip", "download.json"}
            assert there <= allowed, there

    (tmp_path / "root").mkdir()
    monkeypatch.setattr(time, "sleep", lambda _: None)
    return fetch


def arrived(server: Server, paths: list[Path]) -> bool:
    return [path.read_bytes() for path in paths] == [server.files[path.name] for path in paths]


def files(tmp_path: Path) -> set[str]:
    return {path.name for path in (tmp_path / "root").iterdir()}


# What works


def test_fetches_verifies_and_records(server, fetch, tmp_path):
    server.files["s02s01.zip"] = set_zip(tmp_path / "source", "s02s01", seed=1)
    paths = fetch(["s02s01", SET])
    assert [path.name for path in paths] == ["s02s01.zip", f"{SET}.zip"]
    assert arrived(server, paths)
    assert server.requests == [("/data/s02s01.zip", None), (f"/data/{SET}.zip", None)]
    assert files(tmp_path) == {f"{SET}.zip", "s02s01.zip", "download.json"}
    record = json.loads((tmp_path / "root" / "download.json").read_text())
    assert record["arrived"].keys() == {SET, "s02s01"}
    assert record["parts"] == {}
    assert len(dataset.read(tmp_path / "root")) == 4


def test_a_second_run_asks_for_nothing(server, fetch):
    fetch()
    server.requests.clear()
    assert arrived(server, fetch())
    assert server.requests == []


def test_a_zip_that_was_there_is_verified_and_kept(server, fetch, tmp_path):
    path = tmp_path / "root" / f"{SET}.zip"
    path.write_bytes(server.files[path.name])
    assert fetch() == [path]
    assert server.requests == []
    path.write_bytes(b"PK damaged")
    # Now it is known, and feint's own: fetched again.
    assert arrived(server, fetch())
    assert len(server.requests) == 1


def test_a_damaged_zip_of_someone_else_is_left_alone(server, fetch, tmp_path):
    path = tmp_path / "root" / f"{SET}.zip"
    path.write_bytes(server.files[path.name][:-100])
    with refused("damaged-file"):
        fetch()
    assert path.exists()
    assert server.requests == []


def test_progress_is_told_on_stderr(fetch, capfd):
    fetch(progress=True)
    out, err = capfd.readouterr()
    assert out == ""
    assert SET in err


def test_no_word_without_progress(fetch, capfd):
    fetch()
    assert capfd.readouterr() == ("", "")


# What breaks off


@pytest.mark.parametrize("headers", [{"ETag": '"one"'}, {"Last-Modified": formatdate(0)}])
def test_goes_on_where_it_broke_off(server, fetch, headers):
    server.headers = headers
    server.modes.extend(["break", "break"])
    assert arrived(server, fetch())
    first, *later = server.asked
    starts = [int(asked.removeprefix("bytes=").removesuffix("-")) for asked in later]
    assert first is None
    assert 0 < starts[0] < starts[1] < len(server.files[f"{SET}.zip"])


def test_goes_on_in_a_later_run(server, fetch, tmp_path):
    server.modes.append("break")
    with refused("download-failed", ["1 attempts", "bytes are there"]):
        fetch(attempts=1)
    assert files(tmp_path) == {f"{SET}.zip.part", "download.json"}
    assert arrived(server, fetch(attempts=1))
    assert server.asked[1] is not None
    assert files(tmp_path) == {f"{SET}.zip", "download.json"}


@pytest.mark.parametrize("why", ["no ranges", "no validator", "weak tag", "changed", "elsewhere"])
def test_begins_again_where_it_cannot_go_on(server, fetch, tmp_path, why):
    if why == "no ranges":
        server.ranges = False
    if why == "no validator":
        server.headers = {}
    if why == "weak tag":
        server.headers = {"ETag": 'W/"one"'}
    server.modes.append("break")
    with pytest.raises(FeintError):
        fetch(attempts=1)
    url = server.url
    if why == "changed":
        server.headers = {"ETag": '"two"'}
        server.files[f"{SET}.zip"] = set_zip(tmp_path / "other", seed=7)
    if why == "elsewhere":
        url = server.url.replace("/data/", "/mirror/")
    assert arrived(server, fetch(attempts=1, url=url))
    asks = why in ("no ranges", "changed")
    assert (server.asked[1] is not None) == asks


@pytest.mark.parametrize("mode", ["wrong range", "416"])
def test_a_wrong_part_is_not_pasted_on(server, fetch, mode):
    server.modes.extend(["break", mode])
    assert arrived(server, fetch())
    assert [asked is None for asked in server.asked] == [True, False, True]


def test_a_whole_part_is_not_asked_for_again(server, fetch, tmp_path):
    server.modes.append("break")
    with pytest.raises(FeintError):
        fetch(attempts=1)
    (tmp_path / "root" / f"{SET}.zip.part").write_bytes(server.files[f"{SET}.zip"])
    assert arrived(server, fetch())
    assert len(server.requests) == 1


def test_a_part_that_is_not_what_it_was(server, fetch, tmp_path):
    server.modes.append("break")
    with pytest.raises(FeintError):
        fetch(attempts=1)
    part = tmp_path / "root" / f"{SET}.zip.part"
    part.write_bytes(bytes(part.stat().st_size))
    with refused("not-a-zip"):
        fetch()
    assert files(tmp_path) == {"download.json"}
    assert arrived(server, fetch())


def test_a_server_that_always_breaks_off(server, fetch, tmp_path):
    server.always = "break"
    with refused("download-failed", ["3 attempts"]):
        fetch()
    assert len(server.requests) == 3
    assert f"{SET}.zip" not in files(tmp_path)


def test_a_server_that_stalls_once(server, fetch):
    server.modes.append("stall")
    assert arrived(server, fetch())
    assert len(server.requests) == 2


def test_a_server_that_always_stalls(server, fetch, tmp_path):
    server.always = "stall"
    began = time.monotonic()
    with refused("download-failed", ["2 attempts", "timed out"]):
        fetch(attempts=2, timeout=0.2)
    assert time.monotonic() - began < 10
    assert f"{SET}.zip" not in files(tmp_path)


def test_pauses_double_up_to_the_timeout(server, fetch, monkeypatch):
    pauses = []
    monkeypatch.setattr(time, "sleep", pauses.append)
    server.always = "503"
    with refused("download-failed", ["5 attempts", "status 503"]):
        fetch(attempts=5, timeout=5.0)
    assert pauses == [1, 2, 4, 5]


def test_an_error_that_passes(server, fetch):
    server.modes.extend(["500", "429"])
    assert arrived(server, fetch())


def test_a_length_that_is_not_told(server, fetch):
    server.modes.append("no length")
    assert arrived(server, fetch())


def test_nobody_listens(fetch):
    with refused("download-failed", ["ConnectionError"]):
        fetch(url="http://127.0.0.1:1/")


# Garbage


def truncated(content: bytes) -> bytes:
    return content[:-50]


def one_bit(content: bytes) -> bytes:
    middle = len(content) // 2
    return content[:middle] + bytes([content[middle] ^ 1]) + content[middle + 1 :]


def of_members(**members: str):
    def garbage(_: bytes) -> bytes:
        content = io.BytesIO()
        with zipfile.ZipFile(content, "w") as archive:
            for name, text in members.items():
                archive.writestr(name.replace("__", "/") + ".txt", text)
        return content.getvalue()

    return garbage


GARBAGE = {
    "truncated": (truncated, "not a readable zip file"),
    "one bit": (one_bit, "member s01s02/01/001/depth_000001.png is damaged"),
    "nothing": (lambda _: b"", "not a readable zip file"),
    "no skeletons": (of_members(readme="hello"), "without any"),
    "no numbers": (of_members(**{"01__001__skeleton_pos": "hello"}), "line 1: got 1 comma"),
    "another set": (of_members(s02s01__01__001__skeleton_pos="1"), "of s02s01; expected only"),
}


@pytest.mark.parametrize("name", GARBAGE)
def test_garbage_is_refused_and_removed(server, fetch, tmp_path, name):
    garbage, what = GARBAGE[name]
    good = server.files[f"{SET}.zip"]
    server.files[f"{SET}.zip"] = garbage(good)
    with pytest.raises(FeintError) as told:
        fetch()
    assert what in str(told.value)
    assert f"{server.url}{SET}.zip" in str(told.value)
    assert f"set {SET}" in str(told.value)
    assert len(server.requests) == 1
    assert files(tmp_path) == {"download.json"}
    server.files[f"{SET}.zip"] = good
    assert arrived(server, fetch())


def test_a_page_instead_of_a_zip(server, fetch, tmp_path):
    server.always = "page"
    with refused("not-a-zip", ["text/html", "<html>log in"]):
        fetch()
    assert files(tmp_path) <= {"download.json"}


def test_not_found(server, fetch):
    server.always = "404"
    with refused("not-a-zip", ["s01s02.zip", "404"]):
        fetch()
    assert len(server.requests) == 1


def test_endless(server, fetch, tmp_path, monkeypatch):
    monkeypatch.setattr(http_resume, "LARGEST_ZIP", CHUNK)
    with refused("not-a-zip", [CHUNK]):
        fetch()
    assert files(tmp_path) == {"download.json"}


def test_a_server_that_changed_its_mind(server, fetch, tmp_path):
    (path,) = fetch()
    path.unlink()
    server.files[path.name] = set_zip(tmp_path / "other", seed=7)
    with refused("changed-download"):
        fetch()
    assert not path.exists()
    (tmp_path / "root" / "download.json").unlink()
    assert arrived(server, fetch())


# What is asked of the caller and the disk


def test_refuses_what_makes_no_sense(fetch):
    with refused("unknown-set", ["../x"]):
        fetch(["../x"])
    with refused("bad-attempts"):
        fetch(attempts=0)
    with refused("bad-attempts"):
        fetch(timeout=0.0)
    with refused("bad-url"):
        fetch(url="nowhere")


@pytest.mark.parametrize(
    "text", ["{", "[]", '{"arrived": {"s01s02": {"url": "", "sha256": "md5:"}}}']
)
def test_a_record_that_is_none(fetch, tmp_path, text):
    (tmp_path / "root" / "download.json").write_text(text)
    with refused("damaged-file", ["download.json"]):
        fetch()


def test_a_file_in_the_folders_place(tmp_path):
    (tmp_path / "root").write_text("x")
    with refused("cannot-write"):
        download(tmp_path / "root", [SET], progress=False)


@pytest.mark.skipif(os.geteuid() == 0, reason="root may write anywhere")
def test_a_read_only_folder(fetch, tmp_path):
    (tmp_path / "root").chmod(0o500)
    with refused("cannot-write"):
        fetch()
    (tmp_path / "root").chmod(0o700)


def test_a_full_disk(server, fetch, monkeypatch):
    def full(*_):
        raise OSError(28, "No space left on device")

    with monkeypatch.context() as patch:
        patch.setattr(shutil, "move", full)
        with refused("cannot-write", ["No space left"]):
            fetch()
    assert arrived(server, fetch())


def test_a_full_disk_while_it_arrives(server, fetch, monkeypatch):
    chunks = requests.Response.iter_content

    def full(self, size):
        yield next(chunks(self, size))
        raise OSError(28, "No space left on device")

    with monkeypatch.context() as patch:
        patch.setattr(requests.Response, "iter_content", full)
        with refused("cannot-write", ["No space left"]):
            fetch()
    assert arrived(server, fetch())
    assert server.asked == [None, f"bytes={CHUNK}-"]
