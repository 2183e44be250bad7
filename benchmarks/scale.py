"""What 10^6 and 10^9 rows cost, worked out from what the jobs of a run took.

    feint run benchmarks/scale.toml --data DIR --out runs/scale
    python -m benchmarks.scale runs/scale [--out docs/scale-table.md]

Seconds and bytes a row are read from the results themselves (`made.seconds`, the files' sizes).
GPU-hours are the same arithmetic at a share of an H100's fp32 rate that is assumed, not measured.
"""

import argparse
from pathlib import Path

from benchmarks.peers.flops import step

from feint.evaluation import rows
from feint.experiments.run_folder import describe
from feint.io.atomic import write_text
from feint.jobs.store import Store
from feint.models import checkpoints

H100 = 67e12
"""Its fp32 rate without tensor cores, by its data sheet, FLOP/s."""
SHARE = 0.3
"""Of that rate: an assumption."""
SIZES = (10**6, 10**9)


def human(number: float, units: tuple[str, ...], size: float) -> str:
    """A number in the largest unit that fits."""
    for unit in units:
        if number < size or unit == units[-1]:
            return f"{number:.3g} {unit}"
        number /= size
    raise AssertionError


def storage(number: float) -> str:
    """Bytes."""
    return human(number, ("B", "kB", "MB", "GB", "TB", "PB"), 1000)


def main() -> None:
    """Read a run, work it out, write the table."""
    parser = argparse.ArgumentParser(description=__doc__.partition("\n")[0])
    parser.add_argument("run", type=Path)
    parser.add_argument("--out", type=Path, default=Path(__file__).parent / "scales.md")
    args = parser.parse_args()
    store, described = Store(args.run), describe(args.run)
    last = described["sessions"][-1]
    table = rows.read(args.run / "rows.parquet")
    threads = last["threads"]
    frames = float(table["frames"].mean())  # type: ignore[arg-type]
    cost: dict[str, list[tuple[float, int, int]]] = {}
    for key in store:
        about, size = store.about(key), store.path(key).stat().st_size
        begin, end = about["settings"].get("rows", (0, 0))
        count = end - begin if end else len(about.get("rows", {}).get("eps", [])) or 1
        group = about["group"] if about["kind"] in ("attack", "train") else about["kind"]
        cost.setdefault(group, []).append((about["made"]["seconds"], size, count))
    a_row = {
        group: tuple(sum(one[i] for one in some) / sum(one[2] for one in some) for i in (0, 1))
        for group, some in cost.items()
    }
    table_bytes = (args.run / "rows.parquet").stat().st_size / len(table)
    lines = [
        "# What rows cost",
        "",
        f"Made by `python -m benchmarks.scale` from `benchmarks/scale.toml` on "
        f"{last['began'][:10]}: {last['processor']}, {threads} thread(s), torch "
        f"{described['versions']['torch']}. SBU's test sequences, {frames:.1f} frames on average, "
        "depth only; reactors at the paper's size; `strong`: 3 x 400 steps.",
        "",
        "| a row of | seconds | bytes |",
        "|---|---|---|",
    ]
    for group in sorted(a_row):
        if not group.startswith(("training", "baselines", "tolerance")):
            seconds, size = a_row[group]
            lines.append(f"| {group} | {seconds:.3g} | {size:.0f} |")
    lines += [f"| rows.parquet | | {table_bytes:.0f} |", ""]
    lines += [
        "One white-box row is an attack, its scoring, and its share of noise and targets. "
        "`paper-eq6` takes a third of the attack's time (400 steps, one start).",
        "",
        "| reactor | rows | core-hours like these | GPU-hours (assumed) | storage | files |",
        "|---|---|---|---|---|---|",
    ]
    for group in sorted(g for g in a_row if g.startswith("attack ")):
        name = group.removeprefix("attack ")
        seconds = a_row[group][0] + a_row["score"][0]
        size = a_row[group][1] + a_row["score"][1] + table_bytes
        model = checkpoints.load(args.run / "models" / name)
        flop = 1200 * step(model, 1, round(frames))
        per_job = described["experiment"]["evaluation"]["sequences_per_job"]
        for count in SIZES:
            lines.append(
                f"| {name} | 10^{len(str(count)) - 1} | {threads * seconds * count / 3600:,.0f} | "
                f"{flop * count / (H100 * SHARE) / 3600:,.1f} | {storage(size * count)} | "
                f"{2 * count / per_job:,.0f} |"
            )
    lines += [
        "",
        f"GPU-hours: the step's products alone (no GPU was at hand) at {SHARE:.0%} of an H100's "
        f"{H100 / 1e12:.0f} TFLOP/s in fp32. An assumption, not a measurement.",
    ]
    text = "\n".join(lines) + "\n"
    print(text)
    write_text(args.out, text)


if __name__ == "__main__":
    main()
