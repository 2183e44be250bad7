"""A study while it is served: its plan and stimuli in memory, who judges it, and its writer."""

import re
from collections import OrderedDict
from pathlib import Path
from typing import Any

from starlette.concurrency import run_in_threadpool

from feint.errors import FeintError
from feint.io.atomic import safe_join
from feint.report.cases.player import skeleton_to_dict
from feint.skeleton import Skeleton
from feint.survey.answers.database import Storage, hashed
from feint.survey.answers.writer import Writer
from feint.survey.server.errors import refused
from feint.survey.server.middleware import Limits, Rate
from feint.survey.server.static_files import Asset
from feint.survey.study.schema import Study
from feint.survey.study.trial_order import trials_for

KNOWN = 20_000
"""Judges whose token is remembered, so that it need not be looked up again."""
FOREVER = "public, max-age=31536000, immutable"


class Served:
    """A study that is being served, as it was when the server was started.

    Args:
        folder: the study's.
        storage: the answers'.
        limits: how often, and how many.
        token: the administrator's.
    """

    def __init__(self, folder: Path, storage: Storage, limits: Limits, token: str) -> None:
        self.folder, self.storage, self.limits = folder, storage, limits
        self.study = Study.load(folder)
        self.stimuli = {
            name: Asset.of(self.study.stimulus(folder, name), "application/json", FOREVER)
            for name in self.study.stimuli
        }
        self.shown = {trial.name: trial.shown() for trial in self.study.trials}
        self.about = about(self.study)
        self.admin = hashed(token)
        self.joins = Rate(limits.joins / 60, limits.joins)
        self.rate = Rate(limits.answers, limits.burst)
        self.known: OrderedDict[str, str] = OrderedDict()
        self._seen = self._stamp()
        self.writer = Writer(storage)

    def _stamp(self) -> tuple[int, ...] | None:
        try:
            told = safe_join(self.folder, "study.json").stat()
        except (OSError, FeintError):
            return None
        return told.st_ino, told.st_size, told.st_mtime_ns

    def unchanged(self) -> bool:
        """Whether the folder still holds the study that is served; looked at when it was touched.

        What judges who are at it see does not change: they can finish.
        """
        now = self._stamp()
        if now != self._seen:
            try:
                if Study.load(self.folder).id != self.study.id:
                    return False
            except FeintError:
                return False
            self._seen = now
        return True

    def place(self, judge: str, answered: list[str]) -> dict[str, Any]:
        """What a judge's page needs to begin, or to go on."""
        trials = [self.shown[trial.name] for trial in trials_for(self.study, judge)]
        return {"judge": judge, "trials": trials, "answered": answered}

    async def judge(self, token: str) -> str:
        """Whose token it is; refused with 401 if nobody's, with 429 if they come too often."""
        digest = hashed(token)
        judge = self.known.get(digest)
        if judge is None:
            found = None
            if re.fullmatch(r"[A-Za-z0-9_-]{43}", token):
                found = await run_in_threadpool(self.storage.judge, self.study.id, digest)
            if found is None:
                raise refused(401, "This is no judge's token.", bearer=True)
            self.remember(digest, judge := found)
        if seconds := self.rate.wait(judge):
            raise refused(429, "Too many requests; wait a moment.", retry=seconds)
        return judge

    def remember(self, digest: str, judge: str) -> None:
        """Keep whose token it is, of the latest `KNOWN`."""
        self.known[digest] = judge
        if len(self.known) > KNOWN:
            self.known.popitem(last=False)

    def gone(self, judge: str) -> Exception:
        """A judge who was deleted while the server ran."""
        for digest in [d for d, who in self.known.items() if who == judge]:
            del self.known[digest]
        return refused(401, "This is no judge's token.", bearer=True)

    def close(self) -> None:
        """Write what waits, and let go of the database."""
        self.writer.close()
        self.storage.close()


def about(study: Study) -> dict[str, Any]:
    """What a judge may know of a study before they begin."""
    return {
        "id": study.id,
        "name": study.name,
        "consent": study.consent,
        "instructions": list(study.instructions),
        "thanks": study.thanks,
        "skeleton": skeleton_to_dict(Skeleton.of(study.skeleton)),
        "trials": len(study.trials),
    }
