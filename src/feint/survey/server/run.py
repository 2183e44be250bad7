"""Run the server: its socket, its admin token, its log.  `feint survey serve` calls `serve`."""

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
from feint.survey.server.middleware import ServerLimits
from feint.survey.server.state import ServerState

TOKEN_VARIABLE = "FEINT_ADMIN_TOKEN"


def read_admin_token(path: Path | None) -> str | None:
    """The admin token from a file or the environment; None if neither has one.

    Raises:
        FeintError: the file cannot be read, or its content is not a token.
    """
    token = os.environ.get(TOKEN_VARIABLE)
    if path is not None:
        try:
            token = read_bytes(path, 4096).decode("ascii").strip()
        except UnicodeDecodeError as error:
            raise FeintError(
                f"{path} does not contain a token; expected ASCII letters and digits.",
                code="bad-token",
            ) from error
    if path is None and not token:
        return None
    if not token or not token.isascii() or any(c.isspace() for c in token):
        raise FeintError(
            f"{path or TOKEN_VARIABLE} does not contain a token; expected ASCII without spaces.",
            code="bad-token",
        )
    return token


def serve(
    folder: Path,
    host: str,
    port: int,
    url: str | None,
    admin_token: str | None,
    limits: ServerLimits,
    trust: str,
) -> None:
    """Serve a study until the process is stopped.

    Args:
        folder: the study's folder.
        host: address to listen on.
        port: port to listen on; 0 takes any free port.
        url: URL of the database; None for the study's own SQLite file.
        admin_token: None makes a new token and prints it.
        limits: limits of the server.
        trust: addresses whose X-Forwarded-For is trusted, separated by commas.

    Raises:
        FeintError: the study is damaged, the database cannot be used, or the port is in use.
    """
    token = admin_token or secrets.token_urlsafe(32)
    application = app.create_app(folder, url, admin_token=token, limits=limits)
    server: ServerState = application.state.server
    try:
        listening = _listen(host, port)
        at, number = listening.getsockname()[:2]
        base = f"http://{f'[{at}]' if ':' in at else at}:{number}"
        _say(f"Study:      {server.study.name} ({server.study.id[:12]})")
        _say(f"Answers:    {server.storage.display_url}")
        _say(f"Judges:     {base}/")
        _say(f"Researcher: {base}/researcher")
        if admin_token is None:
            _say(f"Admin token (shown only once): {token}")
        if not at.startswith("127.") and at != "::1":
            _say("Tokens are sent unencrypted: put a proxy with TLS in front (see the docs).")
        logging.basicConfig(level=logging.WARNING, format="%(asctime)s %(name)s %(message)s")
        config = uvicorn.Config(
            application,
            access_log=False,  # it would contain addresses
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
        server.close()


def _listen(host: str, port: int) -> socket.socket:
    try:
        family = socket.getaddrinfo(host, port, type=socket.SOCK_STREAM)[0][0]
        return socket.create_server((host, port), family=family, backlog=2048)
    except OSError as error:
        raise FeintError(
            f"Cannot listen on {host}:{port} ({error}). Choose another --port, or stop the program "
            "that uses it.",
            code="port-in-use",
        ) from error


def _say(line: str) -> None:
    sys.stdout.write(line + "\n")
    sys.stdout.flush()
