"""What judges would see (Table 1): a study of both reactors, to be served to people as it is."""

from feint.report.run_data import RunData
from feint.reproduction.profiles import PAPER
from feint.reproduction.runner import Reproduction
from feint.survey.study.create import StudyOptions, draft


def write(r: Reproduction) -> None:
    """Make the study in OUT/studies, in a folder named by its id.

    A study that was answered is never written over: another profile makes another one.
    """
    with r.working(r.experiment("strong", PAPER, transfer=True)) as run:
        run.attack()
        run.score()  # its rows are the folder's now, whatever part was run before
        made = draft(RunData.load(run.folder), StudyOptions(models=PAPER, seed=r.profile.seed))
    made.study.save(r.out / "studies" / made.study.id[:12], made.stimuli)
