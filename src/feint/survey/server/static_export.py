"""A study as plain files, for hosts that only hand out files: JATOS, DataPipe, any web space.

    index.html              the judge's page, told to look beside itself
    static/                 its scripts
    study.json              what a judge may see, and orders of which the page picks one
    stimuli/<name>.json

The page keeps the answers and hands them over at the end, a file a judge; `collect` takes those.
"""

import json
from pathlib import Path
from typing import Any
from urllib.parse import urlsplit

from feint.errors import FeintError
from feint.io.atomic import safe_join, write_bytes
from feint.survey.server import static_files
from feint.survey.server.state import about
from feint.survey.study.schema import Study
from feint.survey.study.trial_order import trials_for

ORDERS = 100
"""Orders of the trials, of which every judge gets one."""
HERE, ALONE = b'data-from="server"', b'data-from="files"'
"""How the page is told where its study is."""


def write(study: Study, folder: Path, out: Path, send: str | None, experiment: str | None) -> None:
    """Write a study as files.

    Args:
        study: loaded from `folder`.
        folder: the study's.
        out: a new or empty folder.
        send: where the page sends a judge's answers at the end; if not given it offers them as a
            file, or gives them to JATOS where it finds itself in one.
        experiment: of DataPipe.

    Raises:
        FeintError: `out` holds something, or `send` is no address.
    """
    if out.exists() and (not out.is_dir() or any(out.iterdir())):
        raise FeintError(f"{out} is not empty; expected a new folder for the study's files.")
    if send is not None and urlsplit(send).scheme not in ("http", "https"):
        raise FeintError(f"Answers cannot be sent to {send!r}; expected an https:// address.")
    if experiment is not None and send is None:
        raise FeintError("An experiment of DataPipe needs --send with DataPipe's address.")
    page = static_files.page("judge.html")
    if page is None or page.count(HERE) != 1:
        raise FeintError("This feint holds no judge's page. Install a whole one.")
    study.check(folder)
    write_bytes(safe_join(out, "index.html"), page.replace(HERE, ALONE))
    for name, content in static_files.scripts().items():
        if not name.startswith("researcher."):
            write_bytes(safe_join(out, "static", name), content)
    for name in study.stimuli:
        write_bytes(safe_join(out, "stimuli", f"{name}.json"), study.stimulus(folder, name))
    told = json.dumps(_told(study, send, experiment), allow_nan=False)
    write_bytes(safe_join(out, "study.json"), told.encode())


def _told(study: Study, send: str | None, experiment: str | None) -> dict[str, Any]:
    orders = [[t.name for t in trials_for(study, f"order-{i}")] for i in range(ORDERS)]
    return {
        **about(study),
        "trials": {trial.name: trial.shown() for trial in study.trials},
        "orders": orders,
        "send": None if send is None else {"url": send, "experiment": experiment},
    }
