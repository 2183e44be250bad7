"""The tables of docs/victims.md, from a finished run of examples/victims.toml.

feint run examples/victims.toml --data sbu/ --out runs/victims
python -m benchmarks.victims runs/victims
"""

import sys
from pathlib import Path

import polars as pl

from feint.evaluation.attack_task import IS_ATTACK, NONE
from feint.models.checkpoints import read_metadata
from feint.report.run_data import RunData


def main(folder: Path) -> None:
    """Print both tables as Markdown."""
    found = RunData.load(folder)
    _head("model", "error, cm a joint", "training error", "reacts by", "best epoch")
    for name in found.models:
        comparison, losses = (
            found.baselines[name],
            read_metadata(folder / "models" / name)["history"],
        )
        epochs = len(losses["loss"])
        kept = "solved" if epochs == 1 else f"{losses['best_epoch'] + 1} of {epochs}"
        numbers = (
            f"{n:.1f}" for n in (comparison.error, comparison.train_error, comparison.reaction or 0)
        )
        _row(name, *numbers, kept)
    trivial = found.baselines[found.models[0]].trivial
    print("\nTrivial predictors:", ", ".join(f"{k} {v:.1f}" for k, v in trivial.items()), "\n")
    rates, own = found.rates, found.judged.filter(pl.col("surrogate") == pl.col("victim"))
    every = sorted(rates.filter(IS_ATTACK)["eps"].unique())
    _head(
        "model",
        "no attack",
        *(f"eps {eps:g}: noise, attack, if clean fails, reduction" for eps in every),
    )
    for name in found.models:
        mine, cells = own.filter(victim=name), []
        for eps in every:
            rate = rates.filter(IS_ATTACK, surrogate=name, victim=name, eps=eps).row(0, named=True)
            closed = mine.filter(IS_ATTACK, eps=eps)["distance_reduction"].mean()
            headline, noise = rate["success_rate_if_clean_fails"], rate["noise_success_rate"]
            rest = "–" if headline is None else f"{headline:.0%}"
            cells.append(f"{noise:.0%}, **{rate['success_rate']:.0%}**, {rest}, {closed:.2f}")
        _row(name, f"{mine.filter(attack=NONE)['success'].mean():.0%}", *cells)
    print(f"\n{len(own.filter(victim=found.models[0], attack=NONE))} rows a cell.")
    print("Other classes' real reactions that pass:", found.tolerance.among_others)


def _head(*words: str) -> None:
    _row(*words)
    _row(*("---" for _ in words))


def _row(*cells: str) -> None:
    print(f"| {' | '.join(cells)} |")


if __name__ == "__main__":
    main(Path(sys.argv[1]))
