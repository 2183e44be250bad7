"""The parts of a reproduction, each a function that leaves its tables in OUT/results."""

from collections.abc import Callable, Sequence

from feint.errors import FeintError
from feint.evaluation import natural_tolerance
from feint.io.progress import console
from feint.reproduction import study
from feint.reproduction.parts.attacks import fig5, models, regular, transfer
from feint.reproduction.parts.motion import cases, departures, fig4
from feint.reproduction.parts.recognition import kappa, recogniser
from feint.reproduction.runner import Reproduction


def run(reproduction: Reproduction, only: Sequence[str] = ()) -> list[str]:
    """Run the parts asked for, all of them if none is, and write each one's tables.

    Returns:
        the names of the parts.

    Raises:
        FeintError: there is no such part, or whatever went wrong in one.
    """
    for name in only:
        if name not in PARTS:
            raise FeintError(f"There is no part {name!r}; expected some of {', '.join(PARTS)}.")
    chosen = [name for name in PARTS if not only or name in only]
    reproduction.results.mkdir(parents=True, exist_ok=True)
    natural = natural_tolerance.natural(reproduction.data.train, role="initiator")
    natural.save(reproduction.results / "tolerance-natural.json")
    for name in chosen:
        console.print(f"[bold]{name}[/bold]: {PARTS[name].__doc__}", highlight=False)
        PARTS[name](reproduction)
        reproduction.tell(name)
    return chosen


PARTS: dict[str, Callable[[Reproduction], None]] = {
    "models": models,
    "recogniser": recogniser,
    "fig5": fig5,
    "cases": cases,
    "table1": study.write,
    "fig4": fig4,
    "kappa": kappa,
    "regular": regular,
    "transfer": transfer,
    "departures": departures,
}
"""In the order in which they run: what others build on first."""
