"""The order of one judge's trials: practice, then kind by kind, with catch trials spread out.

The order is seeded, so it stays the same when the page reloads.
"""

from feint.survey.study.schema import Kind, Study, Trial
from feint.survey.study.stimuli import seeded_order

KINDS: tuple[Kind, ...] = ("naming", "leftmost", "which")
"""The kinds in the order in which they are asked.  Naming comes first, because the other questions
name the target; "which" comes last, because it reveals that actors are changed."""


def trials_for(study: Study, judge: str) -> tuple[Trial, ...]:
    """Every trial of a study, in one judge's order.

    Practice trials come first, then the kinds of `KINDS`.  Within a kind the order depends on the
    study's seed and the judge's id.  Catch trials are spread: one to each stretch of equal length,
    never at its beginning.
    """
    seed = f"{study.seed}:{judge}"
    place = {name: i for i, name in enumerate(seeded_order(study.by_name, seed))}
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
    """Put the i-th catch trial into the i-th stretch, after the stretch's first trial."""
    order: list[Trial] = []
    for i, catch in enumerate(catches):
        stretch = asked[i * len(asked) // len(catches) : (i + 1) * len(asked) // len(catches)]
        places = seeded_order(map(str, range(1, len(stretch) + 1)), f"{seed}:{catch.name}")
        at = int(places[0]) if places else 0
        order += [*stretch[:at], catch, *stretch[at:]]
    return order if catches else asked
