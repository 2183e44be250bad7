"""Checks of a model before any attack: is it better than trivial predictors, does it react?

A model that fails them is named in every report before its success rates.  `result_checks` does
the same with finished rows.  Every warning has a code, a message in the output and a paragraph in
docs/checks.md.
"""

from collections.abc import Mapping, Sequence
from dataclasses import dataclass

import torch
from jaxtyping import Bool
from torch import Tensor, nn

from feint.columns import Columns, FeatureSpec
from feint.data.pairs import Pairs
from feint.models import baselines
from feint.models.inference import predict
from feint.models.sanity_checks import ModelIssue
from feint.sequences import Sequences, distance, sum_over_time
from feint.skeleton import Skeleton

FIRST_POSE = "hold first pose"
LEAST_REACTION = 0.05
"""If a model's answer moves by less than this share of the smallest error, it ignores its input."""


@dataclass(frozen=True)
class EvaluationWarning:
    """Something that makes results less believable.

    Attributes:
        code: stable, in kebab case; its paragraph is in docs/checks.md.
        about: the model, target or attack that it concerns.
        message: one sentence.
    """

    code: str
    about: str
    message: str


@dataclass(frozen=True)
class BaselineComparison:
    """A model beside trivial predictors, on the test set.

    Attributes:
        unit: of the errors: "cm a joint", or "data units a frame" without a skeleton.
        error: the model's mean error.
        trivial: the mean errors of the trivial predictors, by name.
        reaction: how far its answer moves, in the same unit, when the actor is replaced by that of
            another interaction (`mismatched_rows`) and nothing else; None with a single
            interaction.
        train_error: its mean error on the training set: far below `error`, it is overfit.
        informed: names of the trivial predictors that see what the model does not; the model need
            not beat those.
        issues: what `models.sanity_checks` found in a user's own model.
    """

    unit: str
    error: float
    trivial: Mapping[str, float]
    reaction: float | None
    train_error: float
    informed: tuple[str, ...] = ()
    issues: tuple[ModelIssue, ...] = ()

    @property
    def better(self) -> dict[str, float]:
        """The errors of the trivial predictors that the model must beat and does not."""
        fair = {k: v for k, v in self.trivial.items() if k not in self.informed}
        return {k: v for k, v in fair.items() if v <= self.error}

    def warnings(self, name: str) -> list[EvaluationWarning]:
        """What a reader must know about the model before its robustness.

        Args:
            name: of the model.
        """
        found = []
        if self.better:
            theirs = ", ".join(f"{k} {v:.3g}" for k, v in self.better.items())
            message = (
                f"{name} does not beat the trivial predictors: its error is {self.error:.3g} "
                f"{self.unit}, theirs {theirs}."
            )
            found.append(EvaluationWarning("weak-model", name, message))
        # Not the error alone: an offset of all answers must not make them look still.
        scale = min([self.error, *self.trivial.values()])
        if self.reaction is not None and self.reaction < LEAST_REACTION * scale:
            message = (
                f"{name} hardly reacts to its input: another actor moves its answer by "
                f"{self.reaction:.3g} {self.unit}. Robustness of such a model means nothing."
            )
            found.append(EvaluationWarning("ignores-input", name, message))
        issues = (EvaluationWarning(o.code, name, f"{name} {o.message}") for o in self.issues)
        return [*found, *issues]


def compare_with_baselines(
    model: nn.Module,
    train: tuple[Sequences, Sequences],
    test: tuple[Sequences, Sequences],
    seen: Bool[Tensor, " features"],
    feature_spec: FeatureSpec | None,
    others: Sequence[int] | None,
) -> BaselineComparison:
    """Measure a model beside trivial predictors.

    Args:
        train, test: (input, reaction) each.
        seen: the input features that show the actor.
        others: for each test row, the row whose actor is swapped in (`mismatched_rows`).
    """
    (x_train, y_train), (x, y) = train, test
    skeleton = feature_spec if isinstance(feature_spec, Skeleton) else None
    answer = predict(model, x)
    reaction = None
    if others is not None:
        swapped = x.values.clone()
        swapped[..., seen] = x.values[list(others)][..., seen]
        frames = torch.minimum(x.lengths, x.lengths[list(others)])
        other = predict(model, Sequences(swapped, frames))
        reaction = mean_error(other, Sequences(answer.values, frames), skeleton)
    return BaselineComparison(
        unit="cm a joint" if skeleton is not None else unit_of(feature_spec),
        error=mean_error(answer, y, skeleton),
        trivial={
            name: mean_error(one, y, skeleton)
            for name, one in _trivial(train, test, seen, feature_spec).items()
        },
        reaction=reaction,
        train_error=mean_error(predict(model, x_train), y_train, skeleton),
        informed=() if _sees_first_pose(seen) else (FIRST_POSE,),
    )


def _sees_first_pose(seen: Bool[Tensor, " features"]) -> bool:
    """Whether a model's input has features beside the actor's."""
    return not bool(seen.all())


def _trivial(
    train: tuple[Sequences, Sequences],
    test: tuple[Sequences, Sequences],
    seen: Bool[Tensor, " features"],
    feature_spec: FeatureSpec | None,
) -> dict[str, Sequences]:
    """The trivial predictors' outputs, by name.

    A person's first pose is shown beside a model that does not see it, as a reference (`informed`).
    The first value of a forecast is in the future, and is left out.
    """
    (x_train, y_train), (x, y) = train, test
    found = {
        "mean pose": baselines.mean_pose(y_train, y),
        "framewise ridge": baselines.ridge(x_train, y_train, x),
    }
    if not isinstance(feature_spec, Columns) or _sees_first_pose(seen):
        found = {FIRST_POSE: baselines.hold_first_pose(y), **found}
    if isinstance(feature_spec, Columns):
        found |= _forecasts(feature_spec, train, x)
    return found


def unit_of(feature_spec: FeatureSpec | None) -> str:
    """The unit of `mean_error` without a skeleton."""
    return (
        f"{feature_spec.output_unit} a step"
        if isinstance(feature_spec, Columns)
        else "data units a frame"
    )


def _forecasts(
    columns: Columns, train: tuple[Sequences, Sequences], x: Sequences
) -> dict[str, Sequences]:
    """Continuations of the forecast columns' past, if the model sees that past."""
    if not set(columns.outputs) <= set(columns.inputs) or not columns.horizon:
        return {}
    at = [columns.inputs.index(name) for name in columns.outputs]
    past, known = x.with_values(x.values[..., at]), train[0]
    season = baselines.best_season(
        known.with_values(known.values[..., at]), train[1], columns.horizon
    )
    return {
        "persistence": baselines.persistence(past),
        "constant velocity": baselines.constant_velocity(past, columns.horizon),
        f"seasonal naive ({season} steps)": baselines.seasonal_naive(past, columns.horizon, season),
    }


def mismatched_rows(pairs: Pairs) -> list[int] | None:
    """For each row, the index of a row of another interaction.

    It has the same reactor side and another class, where there is such a row.  None if all rows
    are of one interaction.
    """
    chosen = []
    for i, interaction in enumerate(pairs.interactions):
        foreign = [j for j, other in enumerate(pairs.interactions) if other != interaction]
        if not foreign:
            return None
        same_side = [j for j in foreign if pairs.sides[j] == pairs.sides[i]]
        unlike = [j for j in same_side if pairs.labels[j] != pairs.labels[i]]
        among = unlike or same_side or foreign
        chosen.append(among[i * 7919 % len(among)])  # spread over them, and always the same
    return chosen


def mean_error(a: Sequences, b: Sequences, skeleton: Skeleton | None) -> float:
    """Mean error over all own frames: cm a joint with a skeleton, else the frame distance."""
    if skeleton is None:
        total = distance(a, b)
    else:
        apart = skeleton.displacement_in_metres(a.values - b.values).norm(dim=-1).mean(dim=-1)
        total = sum_over_time(100 * apart, a.lengths)
    return float(total.sum() / a.lengths.sum())
