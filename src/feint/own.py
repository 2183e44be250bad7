"""From a user's own files, as [data] tells of them, to the pairs of both sides of a split."""

import random
from collections.abc import Sequence
from pathlib import Path

from feint.data import windows
from feint.data.interactions import Pairs
from feint.data.windows import Cut, Part
from feint.errors import FeintError
from feint.series import Series
from feint.sources import People, Table

Split = tuple[Pairs, Pairs, list[str]]
"""Training and test pairs, and what there is to say of how they were read."""


def of_table(spec: Table) -> Split:
    """Windows of CSV or Parquet files.

    Raises:
        FeintError: no folder was given, a file or column is wrong, nothing is left on a side.
    """
    inputs, outputs = spec.inputs or (), spec.outputs or ()
    root = folder(spec.root, "windows")
    parts, notes = windows.read_parts(root, (*inputs, *outputs), spec.time, spec.parts)
    test = held([part.name for part in parts], spec.held, spec.test_share, spec.seed)
    sides: tuple[list[Part], list[Part]] = ([], [])
    for part in parts:
        sides[part.name in test].append(part)
    form = Series(
        name=root.stem,
        inputs=inputs,
        outputs=outputs,
        input_units=tuple(spec.units.get(name, "") for name in inputs),
        output_units=tuple(spec.units.get(name, "") for name in outputs),
        scale=windows.scales(sides[0], len(inputs)),
        step=spec.step,
        ahead=spec.ahead,
    )
    stride = spec.stride or spec.length
    pairs = []
    for name, side, step in (
        ("training", sides[0], spec.train_stride or stride),
        ("test", sides[1], stride),
    ):
        made, gaps = windows.windows(side, Cut(spec.length, spec.ahead, step, spec.gap), form)
        pairs.append(made)
        if gaps:
            notes.append(f"{gaps} {name} windows with longer gaps than {spec.gap} were left out")
    return pairs[0], pairs[1], notes


def of_people(spec: People) -> Split:
    """Recordings of people."""
    raise FeintError("not yet")


def folder(root: Path | None, source: str) -> Path:
    """The folder given.  Raises FeintError if there is none."""
    if root is None:
        raise FeintError(
            f'The experiment\'s data is "{source}", and no folder was given. Pass --data DIR, or '
            "set data.root."
        )
    return root


def held(
    sets: Sequence[str], asked: Sequence[str] | None, share: float | None, seed: int
) -> set[str]:
    """The sets held out: those asked for, or a share of all drawn by the seed, at least one.

    Raises:
        FeintError: a set that is not there, or nothing left on either side.
    """
    there = sorted(set(sets))
    if asked is not None:
        test = set(asked)
        if unknown := sorted(test - set(there)):
            raise FeintError(
                f"The test sets {', '.join(unknown)} are not in the data; it has "
                f"{', '.join(there[:50])}. Name some of these."
            )
    else:
        count = max(1, round((share or 0) * len(there)))
        test = set(random.Random(seed).sample(there, min(count, len(there))))
    if len(test) == len(there):
        raise FeintError(
            f"All {len(there)} sets are held out, which leaves nothing to train on; the data has "
            f"{', '.join(there[:50])}. Hold out some of them, or make more (data.parts)."
        )
    return test
