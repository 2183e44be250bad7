"""Load [data] with source = "windows": training and test windows of CSV or Parquet files.

It joins `windows.py` (files to windows) and `split.py` (which sets are held out) as the
experiment's `Table` asks. `load.py` calls it.
"""

from feint.columns import Columns
from feint.data import windows
from feint.data.config import Table
from feint.data.recordings_load import Split, folder
from feint.data.split import choose_test_sets
from feint.data.windows import Segment, WindowSpec


def load_windows(table: Table) -> Split:
    """Read the files of a [data] table and cut them into windows.

    Raises:
        FeintError: no folder was given, a file or column is wrong, nothing is left on a side.
    """
    inputs, outputs = table.inputs or (), table.outputs or ()
    root = folder(table.root, "windows")
    segments, notes = windows.read_segments(root, (*inputs, *outputs), table.time, table.n_segments)
    sets = [one.name for one in segments]
    test = choose_test_sets(sets, table.chosen_sets, table.test_share, table.seed)
    sides: tuple[list[Segment], list[Segment]] = ([], [])
    for one in segments:
        sides[one.name in test].append(one)
    columns = Columns(
        name=root.stem,
        inputs=inputs,
        outputs=outputs,
        input_units=tuple(table.units.get(name, "") for name in inputs),
        output_units=tuple(table.units.get(name, "") for name in outputs),
        scale=windows.standard_deviations(sides[0], len(inputs)),
        step=table.step,
        horizon=table.horizon,
    )
    stride = table.stride or table.input_size
    pairs = []
    for name, side, step in (
        ("training", sides[0], table.train_stride or stride),
        ("test", sides[1], stride),
    ):
        spec = WindowSpec(table.input_size, table.horizon, step, table.max_gap)
        made, gaps = windows.cut_windows(side, spec, columns)
        pairs.append(made)
        if gaps:
            notes.append(f"{gaps} {name} windows had gaps longer than {table.max_gap}: left out")
    return pairs[0], pairs[1], notes
