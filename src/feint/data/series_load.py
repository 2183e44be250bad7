"""Load [data] with source = "windows": training and test windows of CSV or Parquet files.

It joins `windows.py` (files to windows) and `split.py` (which sets are held out) as the
experiment's `TableData` asks. `load.py` calls it.
"""

import numpy as np

from feint.columns import Columns
from feint.data import windows
from feint.data.config import TableData
from feint.data.formats.cells import TableFormat
from feint.data.recordings_load import Split, folder
from feint.data.split import choose_test_sets
from feint.data.windows import Segment, SeriesSpec, WindowSpec
from feint.io.csv_reader import CsvFormat


def load_windows(table: TableData) -> Split:
    """Read the files of a [data] table and cut them into windows.

    Raises:
        FeintError: no folder was given, a file or column is wrong, nothing is left on a side.
    """
    inputs, outputs = table.inputs or (), table.outputs or ()
    root = folder(table.root, "windows")
    segments, notes = windows.read_segments(root, _series(table))
    sets = [one.name for one in segments]
    test = choose_test_sets(sets, _named(table, segments), table.test_share, table.seed)
    sides: tuple[list[Segment], list[Segment]] = ([], [])
    for one in segments:
        sides[one.name in test].append(one)
    scale = windows.standard_deviations(sides[0], len(inputs))
    columns = Columns(
        name=root.stem,
        inputs=inputs,
        outputs=outputs,
        input_units=tuple(table.units.get(name, "") for name in inputs),
        output_units=tuple(table.units.get(name, "") for name in outputs),
        scale=scale,
        resolution=windows.resolutions(segments, (*inputs, *outputs))[: len(inputs)],
        step=table.step,
        horizon=table.horizon,
    )
    notes += [
        f"{name} never changes in the training windows: its standard deviation is 0"
        for name, one in zip(inputs, scale, strict=True)
        if one == 0
    ]
    notes += [
        f"{name}: all values are relative to {offset:.15g} (data.offsets)"
        for name, offset in table.offsets.items()
    ]
    stride = table.stride or table.input_size
    train, left, filled = windows.cut_windows(
        sides[0], _windows(table, table.train_stride or stride), columns
    )
    tested, left_too, filled_too = windows.cut_windows(sides[1], _windows(table, stride), columns)
    for name, count in (("training", left), ("test", left_too)):
        if count:
            notes.append(f"{count} {name} windows had gaps longer than {table.max_gap}: left out")
    return train, tested, [*notes, *_interpolated(table, segments, filled + filled_too)]


def _named(table: TableData, segments: list[Segment]) -> list[str] | None:
    """The sets held out by name; the name of a file stands for all its sets."""
    if table.chosen_sets is None:
        return None
    of_file: dict[str, list[str]] = {}
    for one in segments:
        of_file.setdefault(one.file, []).append(one.name)
    return [name for asked in table.chosen_sets for name in of_file.get(asked, [asked])]


def _series(table: TableData) -> SeriesSpec:
    names = (*(table.inputs or ()), *(table.outputs or ()))
    lines = CsvFormat(
        table.separator, table.encoding, table.names_line, table.first_line, table.names or ()
    )
    layout = TableFormat(
        lines, table.decimal, table.thousands, table.missing, table.words, table.time_format
    )
    offsets = tuple(table.offsets.get(name, 0.0) for name in names)
    return SeriesSpec(
        names, table.time, table.track, table.n_segments, offsets, layout, table.resample
    )


def _windows(table: TableData, stride: int) -> WindowSpec:
    return WindowSpec(table.input_size, table.horizon, stride, table.max_gap)


def _interpolated(table: TableData, segments: list[Segment], counts: np.ndarray) -> list[str]:
    """One note for each column of which values were made up."""
    total = sum(len(one.values) for one in segments)
    names = (*(table.inputs or ()), *(table.outputs or ()))
    each = dict(zip(names, counts.tolist(), strict=True))  # a column may be input and output
    return [
        f"{name}: {count:,} of {total:,} values were missing and interpolated (data.max_gap = "
        f"{table.max_gap}; with 0 such windows are left out)"
        for name, count in each.items()
        if count
    ]
