"""An experiment's own models asked, before anything is run, what an attack takes for granted."""

from collections.abc import Iterator

from feint.errors import FeintError
from feint.experiment import Experiment
from feint.models import loading
from feint.models.places import files_of
from feint.prepared import prepare
from feint.probes import Finding, probe
from feint.specs import YourModel


def inspect(
    experiment: Experiment, trust: bool = False
) -> Iterator[tuple[str, tuple[Finding, ...]]]:
    """Every user's model of an experiment, with what was found (`feint.probes`).

    Args:
        trust: unpickle exports.

    Raises:
        FeintError: the experiment has no such model, its data cannot be read, or a model cannot be
            loaded.
    """
    yours = [spec for spec in experiment.model if isinstance(spec, YourModel)]
    if not yours:
        raise FeintError(
            "The experiment trains all its models, and there is nothing to inspect. Name yours "
            'with --model package.module:factory, or a [[model]] of kind = "import".'
        )
    data = prepare(experiment)
    for spec in yours:
        model = loading.from_source(spec.source(), files_of(spec.kind, spec.path), trust)
        yield spec.name, probe(model, data.x_test, data.test.reactor)
