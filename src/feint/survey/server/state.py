"""The state of a running server: plan and stimuli in memory, known tokens, limits, the writer.

The endpoints in `app.py` and `admin.py` share one `ServerState`; a new limit or cache belongs here.
"""

import re
from collections import OrderedDict
from pathlib import Path
from typing import Any

from starlette.concurrency import run_in_threadpool

from feint.errors import FeintError
from feint.io.atomic import safe_join
from feint.report.cases.player import skeleton_to_dict
from feint.skeleton import Skeleton
from feint.survey.answers.database import Storage, hash_token
from feint.survey.answers.writer import Writer
from feint.survey.server.errors import http_error
from feint.survey.server.middleware import ServerLimits, TokenBucket
from feint.survey.server.static_files import Asset
from feint.survey.study.schema import Study
from feint.survey.study.trial_order import trials_for

TOKEN_CACHE_SIZE = 20_000
"""Judges whose token is cached, so that it is not looked up in the database again."""
FOREVER = "public, max-age=31536000, immutable"


class ServerState:
    """The state of a server.  It serves the study as the folder contained it at the start.

    Args:
        folder: the study's folder.
        storage: the database of answers.
        limits: limits of the server.
        token: the admin token.
    """

    def __init__(self, folder: Path, storage: Storage, limits: ServerLimits, token: str) -> None:
        self.folder, self.storage, self.limits = folder, storage, limits
        self.study = Study.load(folder)
        self.stimuli = {
            name: Asset.of(self.study.stimulus(folder, name), "application/json", FOREVER)
            for name in self.study.stimuli
        }
        self.judge_views = {trial.name: trial.judge_view() for trial in self.study.trials}
        self.info = study_info(self.study)
        self.admin = hash_token(token)
        self.join_limit = TokenBucket(limits.joins_per_minute / 60, limits.joins_per_minute)
        self.request_limit = TokenBucket(limits.requests_per_second, limits.burst)
        self.judge_of: OrderedDict[str, str] = OrderedDict()
        self._checked = self._stamp()
        self.writer = Writer(storage)

    def _stamp(self) -> tuple[int, ...] | None:
        try:
            status = safe_join(self.folder, "study.json").stat()
        except (OSError, FeintError):
            return None
        return status.st_ino, status.st_size, status.st_mtime_ns

    def unchanged(self) -> bool:
        """Whether the folder still contains the served study; it is read again if it was touched.

        Judges who have started still see the study as it was, and can finish.
        """
        now = self._stamp()
        if now != self._checked:
            try:
                if Study.load(self.folder).id != self.study.id:
                    return False
            except FeintError:
                return False
            self._checked = now
        return True

    def progress(self, judge: str, answered: list[str]) -> dict[str, Any]:
        """The judge's trials in their order, and the trials that are answered."""
        trials = [self.judge_views[trial.name] for trial in trials_for(self.study, judge)]
        return {"judge": judge, "trials": trials, "answered": answered}

    async def authenticate(self, token: str) -> str:
        """The judge of a token; raises 401 for an unknown token, 429 beyond the rate limit."""
        digest = hash_token(token)
        judge = self.judge_of.get(digest)
        if judge is None:
            found = None
            if re.fullmatch(r"[A-Za-z0-9_-]{43}", token):
                found = await run_in_threadpool(self.storage.judge_of_token, self.study.id, digest)
            if found is None:
                raise http_error(401, "The token is not a judge's token.", bearer=True)
            self.remember(digest, judge := found)
        if seconds := self.request_limit.take(judge):
            raise http_error(429, "Too many requests; wait a moment.", retry=seconds)
        return judge

    def remember(self, digest: str, judge: str) -> None:
        """Cache the judge of a token."""
        self.judge_of[digest] = judge
        if len(self.judge_of) > TOKEN_CACHE_SIZE:
            self.judge_of.popitem(last=False)

    def forget(self, judge: str) -> Exception:
        """Remove a deleted judge from the cache.  Returns the error to raise."""
        for digest in [d for d, who in self.judge_of.items() if who == judge]:
            del self.judge_of[digest]
        return http_error(401, "The token is not a judge's token.", bearer=True)

    def close(self) -> None:
        """Write the answers that wait, and close the database."""
        self.writer.close()
        self.storage.close()


def study_info(study: Study) -> dict[str, Any]:
    """What a judge may read before they agree to take part."""
    return {
        "id": study.id,
        "name": study.name,
        "consent": study.consent,
        "instructions": list(study.instructions),
        "thanks": study.thanks,
        "skeleton": skeleton_to_dict(Skeleton.from_dict(study.skeleton)),
        "trials": len(study.trials),
    }
