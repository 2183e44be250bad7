"""Model checks before a run: do a user's own models meet the attacks' assumptions?

`feint check-model` calls it.  The checks themselves are in `models/sanity_checks.py`.
"""

from collections.abc import Iterator

from feint.data.load import load_data
from feint.errors import FeintError
from feint.experiments.budgets import hidden, make_budget
from feint.experiments.config import Experiment
from feint.models import checkpoints
from feint.models.config import ExternalModelConfig
from feint.models.external.import_path import read_files
from feint.models.sanity_checks import ModelIssue, check_model


def check_models(
    experiment: Experiment, trust: bool = False
) -> Iterator[tuple[str, tuple[ModelIssue, ...]]]:
    """Every user's model of an experiment, with what was found (`feint.check_model`).

    Args:
        trust: unpickle exports.

    Raises:
        FeintError: the experiment has no such model, its data cannot be read, or a model cannot be
            loaded.
    """
    yours = [spec for spec in experiment.model if isinstance(spec, ExternalModelConfig)]
    if not yours:
        raise FeintError(
            "The experiment trains all its models: there is none to check. Name yours "
            'with --model package.module:factory, or a [[model]] of kind = "import".',
            "no-models-to-check",
        )
    data = load_data(experiment.data, experiment.evaluation.max_sequences, experiment.seed)
    spec_of_data, sees_pose = data.test.feature_spec, experiment.data.first_pose
    budget = make_budget(experiment.budget, spec_of_data, hidden(spec_of_data, sees_pose))
    for spec in yours:
        model = checkpoints.load_external(spec.source(), read_files(spec.kind, spec.path), trust)
        yield (
            spec.name,
            check_model(model, data.x_test, data.test.reactor, budget.coords, budget.integer),
        )
