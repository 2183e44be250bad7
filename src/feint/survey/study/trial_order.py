"""The order in which one judge is asked: seeded, the same at every reload."""

from feint.survey.study.schema import Kind, Study, Trial
from feint.survey.study.stimuli import drawn

KINDS: tuple[Kind, ...] = ("naming", "leftmost", "which")
"""One after the other: naming is blind only before the other questions name what is wanted, and
"which" tells that actors are changed."""


def trials_for(study: Study, judge: str) -> tuple[Trial, ...]:
    """Every trial of a study, in a judge's own order.

    Practice first; then kind by kind, each in an order of the study's seed and the judge, with
    catch trials one to a stretch of equal length, never at its beginning.
    """
    seed = f"{study.seed}:{judge}"
    place = {name: i for i, name in enumerate(drawn(study.by_name, seed))}
    mine = sorted(study.trials, key=lambda trial: (KINDS.index(trial.kind), place[trial.name]))
    order = [trial for trial in mine if trial.practice]
    for kind in KINDS:
        some = [trial for trial in mine if trial.kind == kind and not trial.practice]
        order += _spread(
            [trial for trial in some if not trial.catch],
            [trial for trial in some if trial.catch],
            seed,
        )
    return tuple(order)


def _spread(asked: list[Trial], catches: list[Trial], seed: str) -> list[Trial]:
    """Catch trials among the others: the i-th in the i-th stretch, after its first at least."""
    order: list[Trial] = []
    for i, catch in enumerate(catches):
        stretch = asked[i * len(asked) // len(catches) : (i + 1) * len(asked) // len(catches)]
        places = drawn(map(str, range(1, len(stretch) + 1)), f"{seed}:{catch.name}")
        at = int(places[0]) if places else 0
        order += [*stretch[:at], catch, *stretch[at:]]
    return order if catches else asked
