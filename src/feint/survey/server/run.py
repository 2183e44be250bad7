"""Running the server: its socket, its token, its log."""

import logging
import os
import secrets
import socket
import sys
from pathlib import Path

import uvicorn

from feint.errors import FeintError
from feint.io.atomic import read_bytes
from feint.survey.server import app
from feint.survey.server.middleware import Limits
from feint.survey.server.state import Served

TOKEN = "FEINT_ADMIN_TOKEN"


def token(path: Path | None) -> str | None:
    """The administrator's token from a file or the environment; None if there is none.

    Raises:
        FeintError: the file cannot be read, or holds no token.
    """
    told = os.environ.get(TOKEN)
    if path is not None:
        try:
            told = read_bytes(path, 4096).decode("ascii").strip()
        except UnicodeDecodeError as error:
            raise FeintError(f"{path} holds no token; expected letters and digits.") from error
    if path is None and not told:
        return None
    if not told or not told.isascii() or any(c.isspace() for c in told):
        raise FeintError(f"{path or TOKEN} holds no token; expected one word of ASCII.")
    return told


def run(
    folder: Path,
    host: str,
    port: int,
    url: str | None,
    admin_token: str | None,
    limits: Limits,
    trust: str,
) -> None:
    """Serve a study until the process is told to stop.

    Raises:
        FeintError: no whole study, a database that cannot be used, or a port that is taken.
    """
    given = admin_token or secrets.token_urlsafe(32)
    made = app.app(folder, url, admin_token=given, limits=limits)
    served: Served = made.state.served
    try:
        listening = _listen(host, port)
        at, number = listening.getsockname()[:2]
        where = f"http://{f'[{at}]' if ':' in at else at}:{number}"
        _say(f"Study:      {served.study.name} ({served.study.id[:12]})")
        _say(f"Answers:    {served.storage.where}")
        _say(f"Judges:     {where}/")
        _say(f"Researcher: {where}/researcher")
        if admin_token is None:
            _say(f"Admin token, said only now: {given}")
        if not at.startswith("127.") and at != "::1":
            _say("Tokens pass as they are: let others in by a proxy with TLS (docs).")
        logging.basicConfig(level=logging.WARNING, format="%(asctime)s %(name)s %(message)s")
        config = uvicorn.Config(
            made,
            access_log=False,  # it would name addresses
            log_config=None,
            server_header=False,
            proxy_headers=True,
            forwarded_allow_ips=trust,
            ws="none",
            timeout_keep_alive=30,
            timeout_graceful_shutdown=10,
            backlog=2048,
        )
        uvicorn.Server(config).run(sockets=[listening])
    finally:
        served.close()


def _listen(host: str, port: int) -> socket.socket:
    try:
        family = socket.getaddrinfo(host, port, type=socket.SOCK_STREAM)[0][0]
        return socket.create_server((host, port), family=family, backlog=2048)
    except OSError as error:
        raise FeintError(
            f"Cannot listen on {host}:{port} ({error}). Choose another --port, or end what uses it."
        ) from error


def _say(line: str) -> None:
    sys.stdout.write(line + "\n")
    sys.stdout.flush()
