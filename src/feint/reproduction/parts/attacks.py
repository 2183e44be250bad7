"""Parts of the reproduction that attack: Figure 5, transfer, regularised reactors."""

import polars as pl

from feint.evaluation.attack_task import IS_ATTACK
from feint.experiments.run_folder import baseline_comparisons
from feint.experiments.tensor_reader import TensorReader
from feint.models import checkpoints
from feint.reproduction import gradient_alignment
from feint.reproduction.profiles import PAPER, REGULAR, STARTS, STOPS
from feint.reproduction.results import Results
from feint.reproduction.runner import Reproduction

GRIDS = ("strong", "paper-adam", "paper-eq6")
"""The presets of Figure 5."""


def models(r: Reproduction) -> None:
    """The reactors beside the trivial predictors."""
    names = (*PAPER, *REGULAR, *r.again)
    with r.working(r.experiment("strong", names)) as work:
        work.train()
    rows = []
    for name, comparison in baseline_comparisons(r.out / "run", list(names)):
        about = checkpoints.read_metadata(r.out / "run" / "models" / name)
        history, model = about["history"], r.model(name)
        rows.append(
            {
                "model": name,
                "parameters": sum(p.numel() for p in model.parameters()),
                "epochs": len(history["loss"]),
                "kept": history["best_epoch"] + 1,
                "train_cm": comparison.train_error,
                "test_cm": comparison.error,
                "reaction_cm": comparison.reaction,
                **{f"trivial: {k}": v for k, v in comparison.trivial.items()},
            }
        )
    r.save("models", pl.DataFrame(rows))


def fig5(r: Reproduction) -> None:
    """White box (left) and transfer between the two (right), for every preset."""
    tables = []
    for preset in GRIDS:
        if r.profile.rows[preset] == 0:
            continue
        experiment = r.experiment(preset, PAPER, preset, transfer=True)
        tables.append(r.rows(experiment, preset=preset))
        r.save("fig5", pl.concat(tables))


def transfer(r: Reproduction) -> None:
    """Every reactor's answers to what was crafted on the others, and why they differ."""
    victims = (*PAPER, *r.again, *REGULAR)
    most = max(r.profile.epsilons)
    tables = []
    grids = (("strong", PAPER, r.profile.epsilons), ("regular", REGULAR, r.profile.several))
    for part, sources, epsilons in grids:
        experiment = r.experiment(part, victims, craft_on=sources, transfer=True, epsilons=epsilons)
        rows = r.scored(experiment).filter(pl.col("eps").is_in([0.0, most]))
        tables.append(r.judge(rows, preset="strong"))
        r.save("transfer", pl.concat(tables))
    stopped = []
    for steps in STOPS:
        some = {**r.profile.strong, "steps": steps}
        experiment = r.experiment(
            "stopped", PAPER, settings=some, epsilons=(most,), labels=STARTS, transfer=True
        )
        rows = r.scored(experiment)
        stopped.append(r.judge(rows, steps=str(steps)))
    r.save("stopped", pl.concat(stopped))
    rows = rows.filter(
        IS_ATTACK,
        pl.col("surrogate") == pl.col("victim"),
        pl.col("true_class") != pl.col("target"),
    )
    reactors = {name: r.model(name) for name in PAPER}
    coords = r.skeleton.axis("z")
    reader = TensorReader(r.out / "run")
    r.save("gradients", gradient_alignment.along(rows, reader, reactors, coords))


def regular(r: Reproduction) -> None:
    """Reactors that are not overfit: how far they move, and what more it takes."""
    tables = []
    for told, axes in (("depth", ("z",)), ("all axes", ("x", "y", "z"))):
        experiment = r.experiment("regular", REGULAR, axes=axes, epsilons=r.profile.several)
        tables.append(r.rows(experiment, preset="strong", axes=told))
        r.save("regular", pl.concat(tables))


def _figure5(r: Reproduction) -> pl.DataFrame:
    """The judged rows of Figure 5 with `strong`; run if they are not there yet."""
    if not (r.results / "fig5.parquet").exists():
        fig5(r)
    return Results(r.results).fig5.filter(pl.col("preset") == "strong")
