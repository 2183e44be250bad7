"""Train and test windows of a table, as its experiment asks for them."""

from feint.columns import Columns
from feint.data import windows
from feint.data.config import Table
from feint.data.recordings_load import Split, folder
from feint.data.split import held
from feint.data.windows import Cut, Part


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
    columns = Columns(
        name=root.stem,
        inputs=inputs,
        outputs=outputs,
        input_units=tuple(spec.units.get(name, "") for name in inputs),
        output_units=tuple(spec.units.get(name, "") for name in outputs),
        scale=windows.scales(sides[0], len(inputs)),
        step=spec.step,
        horizon=spec.ahead,
    )
    stride = spec.stride or spec.length
    pairs = []
    for name, side, step in (
        ("training", sides[0], spec.train_stride or stride),
        ("test", sides[1], stride),
    ):
        made, gaps = windows.windows(side, Cut(spec.length, spec.ahead, step, spec.gap), columns)
        pairs.append(made)
        if gaps:
            notes.append(f"{gaps} {name} windows with longer gaps than {spec.gap} were left out")
    return pairs[0], pairs[1], notes
