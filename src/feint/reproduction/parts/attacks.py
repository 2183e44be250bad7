"""Parts of the reproduction that attack: Figure 5, transfer, and regularised reactors.

Their sizes are in `profiles.py`, their numbers on the page in `page/sections/`.
"""

import polars as pl

from feint.evaluation.attack_task import IS_ATTACK
from feint.experiments.run_folder import baseline_comparisons
from feint.experiments.tensor_reader import TensorReader
from feint.models import checkpoints
from feint.reproduction import gradient_alignment
from feint.reproduction.profiles import EARLY_STOPS, FEW_TARGETS, PAPER, REGULARISED
from feint.reproduction.results import Results
from feint.reproduction.runner import Reproduction

FIG5_PRESETS = ("strong", "paper-adam", "paper-eq6")
"""Attack presets of Figure 5."""


def models(r: Reproduction) -> None:
    """Train the reactors and compare them with trivial predictors."""
    names = (*PAPER, *REGULARISED, *r.second_seed)
    with r.open_run(r.experiment("strong", names)) as work:
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
                "best_epoch": history["best_epoch"] + 1,
                "train_cm": comparison.train_error,
                "test_cm": comparison.error,
                "reaction_cm": comparison.reaction,
                **{f"trivial: {k}": v for k, v in comparison.trivial.items()},
            }
        )
    r.save("models", pl.DataFrame(rows))


def fig5(r: Reproduction) -> None:
    """Attack both reactors, white box (left) and black box (right), with every preset."""
    tables = []
    for preset in FIG5_PRESETS:
        if r.profile.max_sequences[preset] == 0:
            continue
        experiment = r.experiment(preset, PAPER, preset, transfer=True)
        tables.append(r.rows(experiment, preset=preset))
        r.save("fig5", pl.concat(tables))


def transfer(r: Reproduction) -> None:
    """Evaluate perturbations on all other reactors, and measure why transfer differs."""
    victims = (*PAPER, *r.second_seed, *REGULARISED)
    most = max(r.profile.epsilons)
    tables = []
    grids = (
        ("strong", PAPER, r.profile.epsilons),
        ("regularised", REGULARISED, r.profile.few_epsilons),
    )
    for part, surrogates, epsilons in grids:
        experiment = r.experiment(
            part, victims, craft_on=surrogates, transfer=True, epsilons=epsilons
        )
        rows = r.scored_rows(experiment).filter(pl.col("eps").is_in([0.0, most]))
        tables.append(r.add_metrics(rows, preset="strong"))
        r.save("transfer", pl.concat(tables))
    stopped = []
    for steps in EARLY_STOPS:
        some = {**r.profile.strong, "steps": steps}
        experiment = r.experiment(
            "early-stops", PAPER, settings=some, epsilons=(most,), labels=FEW_TARGETS, transfer=True
        )
        rows = r.scored_rows(experiment)
        stopped.append(r.add_metrics(rows, steps=str(steps)))
    r.save("early_stops", pl.concat(stopped))
    rows = rows.filter(
        IS_ATTACK,
        pl.col("surrogate") == pl.col("victim"),
        pl.col("true_class") != pl.col("target"),
    )
    reactors = {name: r.model(name) for name in PAPER}
    coords = r.skeleton.axis("z")
    reader = TensorReader(r.out / "run")
    r.save(
        "gradient_alignment", gradient_alignment.along_perturbation(rows, reader, reactors, coords)
    )


def regularised(r: Reproduction) -> None:
    """Attack the regularised reactors, in depth alone and on all axes."""
    tables = []
    for name, axes in (("depth", ("z",)), ("all axes", ("x", "y", "z"))):
        experiment = r.experiment(
            "regularised", REGULARISED, axes=axes, epsilons=r.profile.few_epsilons
        )
        tables.append(r.rows(experiment, preset="strong", axes=name))
        r.save("regularised", pl.concat(tables))


def strong_rows(r: Reproduction) -> pl.DataFrame:
    """The rows of Figure 5 with `strong` and success columns; they are made if missing."""
    if not (r.results / "fig5.parquet").exists():
        fig5(r)
    return Results(r.results).fig5.filter(pl.col("preset") == "strong")
