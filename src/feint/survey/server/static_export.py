"""Write a study as static files, for hosts without a program: JATOS, DataPipe, any web space.

    index.html              the judge's page, set to read the files beside it
    static/                 its scripts
    study.json              what a judge may see, and orders of which the page picks one
    stimuli/<name>.json

The page stores the answers in the browser and hands them over at the end, one file for each judge;
`feint survey import-answers` reads these files.
"""

import json
from pathlib import Path
from typing import Any
from urllib.parse import urlsplit

from feint.errors import FeintError
from feint.io.atomic import safe_join, write_bytes
from feint.survey.server import static_files
from feint.survey.server.state import study_info
from feint.survey.study.schema import Study
from feint.survey.study.trial_order import trials_for

ORDERS = 100
"""Orders of the trials; each judge gets one of them."""
FROM_SERVER, FROM_FILES = b'data-from="server"', b'data-from="files"'
"""The attribute by which the page knows where its study is."""


def write(
    study: Study, folder: Path, out: Path, submit_url: str | None, experiment: str | None
) -> None:
    """Write a study as static files.

    Args:
        study: the study, loaded from `folder`.
        folder: the study's folder.
        out: a new or empty folder.
        submit_url: address to which the page sends a judge's answers at the end.  If not given,
            the page sends them to JATOS if it runs there, and else offers them as a file.
        experiment: the experiment's id at DataPipe.

    Raises:
        FeintError: `out` is not empty, or `submit_url` is not an http(s) address.
    """
    if out.exists() and (not out.is_dir() or any(out.iterdir())):
        raise FeintError(
            f"{out} is not empty; expected a new folder for the study's files.",
            code="folder-not-empty",
        )
    if submit_url is not None and urlsplit(submit_url).scheme not in ("http", "https"):
        raise FeintError(
            f"Answers cannot be sent to {submit_url!r}; expected an https:// address.",
            code="bad-url",
        )
    if experiment is not None and submit_url is None:
        raise FeintError(
            "An experiment of DataPipe needs --submit-url with DataPipe's address.",
            code="missing-option",
        )
    page = static_files.page("judge.html")
    if page is None or page.count(FROM_SERVER) != 1:
        raise FeintError(
            "This installation of feint lacks the judge's page. Install feint again.",
            code="incomplete-installation",
        )
    study.check(folder)
    write_bytes(safe_join(out, "index.html"), page.replace(FROM_SERVER, FROM_FILES))
    for name, content in static_files.scripts().items():
        if not name.startswith("researcher."):
            write_bytes(safe_join(out, "static", name), content)
    for name in study.stimuli:
        write_bytes(safe_join(out, "stimuli", f"{name}.json"), study.stimulus(folder, name))
    plan = json.dumps(_judge_view(study, submit_url, experiment), allow_nan=False)
    write_bytes(safe_join(out, "study.json"), plan.encode())


def _judge_view(study: Study, submit_url: str | None, experiment: str | None) -> dict[str, Any]:
    orders = [[t.name for t in trials_for(study, f"order-{i}")] for i in range(ORDERS)]
    submit = None if submit_url is None else {"url": submit_url, "experiment": experiment}
    return {
        **study_info(study),
        "trials": {trial.name: trial.judge_view() for trial in study.trials},
        "orders": orders,
        "submit": submit,
    }
