"""Run the parts of a reproduction.  `PARTS` lists them; add a part there."""

from collections.abc import Callable, Sequence

from feint.errors import FeintError
from feint.evaluation import natural_tolerance
from feint.io.progress import console
from feint.reproduction import study
from feint.reproduction.parts.attacks import fig5, models, regularised, transfer
from feint.reproduction.parts.motion import cases, fig4, variants
from feint.reproduction.parts.recognition import recogniser, tolerance
from feint.reproduction.runner import Reproduction


def run(reproduction: Reproduction, only: Sequence[str] = ()) -> list[str]:
    """Run some parts and write their tables.

    Args:
        reproduction: the profile and its folder.
        only: names of the parts; empty for all parts.

    Returns:
        The names of the parts that were run.

    Raises:
        FeintError: there is no such part, or a part fails.
    """
    for name in only:
        if name not in PARTS:
            raise FeintError(
                f"There is no part {name!r}; expected some of {', '.join(PARTS)}.",
                code="unknown-part",
            )
    chosen = [name for name in PARTS if not only or name in only]
    reproduction.results.mkdir(parents=True, exist_ok=True)
    natural = natural_tolerance.natural(reproduction.data.train, role="initiator")
    natural.save(reproduction.results / "tolerance-natural.json")
    for name in chosen:
        console.print(f"[bold]{name}[/bold]: {PARTS[name].__doc__}", highlight=False)
        PARTS[name](reproduction)
        reproduction.record_part(name)
    return chosen


PARTS: dict[str, Callable[[Reproduction], None]] = {
    "models": models,
    "recogniser": recogniser,
    "fig5": fig5,
    "cases": cases,
    "table1": study.write,
    "fig4": fig4,
    "tolerance": tolerance,
    "regularised": regularised,
    "transfer": transfer,
    "variants": variants,
}
"""The parts in the order in which they run: a part comes after those that it builds on."""
