"""To be reached and to be recognised are two things (docs/demo.md).

A quick recogniser, logistic regression on the reactor's root-relative motion turned to one side,
names the interaction of every answer of a run on the embedded data.  Printed per model, target and
eps: the share of answers named as the target, beside the share that counts as reached.

    python benchmarks/recognised.py runs/demo
"""

import argparse
from pathlib import Path

import polars as pl
import torch
from torch import Tensor, nn

from feint.attacks.targets import fit_length, mirror
from feint.data.pairs import pair
from feint.data.sbu import dataset
from feint.data.synthetic import generate
from feint.evaluation.tolerance import Tolerance
from feint.experiments import config
from feint.experiments.run_folder import describe
from feint.experiments.tensor_reader import TensorReader
from feint.sequences import Sequences
from feint.skeleton import SBU_15


def features(reactions: Sequences, sides: tuple[str, ...]) -> Tensor:
    """Twelve frames of root-relative positions in metres, every reactor on the left."""
    rows = []
    for reaction, side in zip(reactions, sides, strict=True):
        turned = mirror(reaction, SBU_15) if side == "right" else reaction
        positions = SBU_15.to_metres(fit_length(turned, 12, "resample"))
        rows.append((positions - positions[:, [SBU_15.joint("torso")]]).flatten())
    return torch.stack(rows)


def main() -> None:
    """Train the recogniser, let it name every white-box answer, print the shares."""
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument("run", type=Path)
    folder = parser.parse_args().run
    about = config.Experiment(**describe(folder)["experiment"])
    interactions = generate.generate(about.data.seed, about.data.repetitions)
    train, test = (pair(part) for part in dataset.split(interactions, about.data.test_sets))
    labels = sorted(set(train.labels))
    seen = features(train.reactor, train.sides)
    mean, scale = seen.mean(dim=0), seen.std(dim=0).clamp_min(0.02)
    torch.manual_seed(0)
    recogniser = nn.Linear(seen.shape[1], len(labels))
    optimizer = torch.optim.Adam(recogniser.parameters(), lr=0.01, weight_decay=1e-2)
    wanted = torch.tensor([labels.index(label) for label in train.labels])
    for _ in range(300):
        optimizer.zero_grad()
        nn.functional.cross_entropy(recogniser((seen - mean) / scale), wanted).backward()
        optimizer.step()

    def name(reactions: Sequences, sides: tuple[str, ...]) -> list[str]:
        with torch.no_grad():
            logits = recogniser((features(reactions, sides) - mean) / scale)
        return [labels[i] for i in logits.argmax(dim=1).tolist()]

    def accuracy(named: list[str], truth: tuple[str, ...]) -> float:
        return sum(a == b for a, b in zip(named, truth, strict=True)) / len(truth)

    print(f"real held-out reactions: {accuracy(name(test.reactor, test.sides), test.labels):.0%}")
    rows = pl.read_parquet(folder / "rows.parquet").filter(pl.col("surrogate") == pl.col("victim"))
    rows = rows.with_columns(Tolerance.load(folder / "tolerance.json").success(rows))
    parts = []
    reader = TensorReader(folder)
    for (job,), some in rows.group_by("job", maintain_order=True):
        answers = reader.score(str(job))[0][some["row"].to_list()]
        parts.append(some.with_columns(named=pl.Series(name(answers, tuple(some["reactor_side"])))))
    named = pl.concat(parts)
    clean = named.filter(pl.col("attack") == "none").unique(["victim", "sequence"])
    for victim, share in (
        clean.group_by("victim")
        .agg((pl.col("named") == pl.col("true_class")).mean())
        .sort("victim")
        .rows()
    ):
        print(f"clean answers of {victim}: {share:.0%}")
    asked = named.filter(pl.col("true_class") != pl.col("target"))
    for every in (["victim", "attack", "eps"], ["victim", "target", "attack", "eps"]):
        table = asked.group_by(every).agg(
            success_rate=pl.col("success").mean(),
            recognised=(pl.col("named") == pl.col("target")).mean(),
        )
        for row in table.sort(every).rows():
            *what, reached, recognised = row
            print(
                f"{' '.join(map(str, what)):34} success {reached:.2f} recognised {recognised:.2f}"
            )


if __name__ == "__main__":
    main()
