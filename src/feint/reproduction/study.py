"""The part "table1": a survey study of both reactors, ready for `feint survey serve`.

What the study shows is decided in `survey/study/`.
"""

from feint.report.run_data import RunData
from feint.reproduction.profiles import PAPER
from feint.reproduction.runner import Reproduction
from feint.survey.study.create import StudyOptions, draft


def write(r: Reproduction) -> None:
    """Write the study for judges, in OUT/studies/<start of its id>."""
    with r.open_run(r.experiment("strong", PAPER, transfer=True)) as run:
        run.attack()
        run.score()  # so that the folder's rows are those of this experiment
        made = draft(RunData.load(run.folder), StudyOptions(models=PAPER, seed=r.profile.seed))
    made.study.save(r.out / "studies" / made.study.id[:12], made.stimuli)
