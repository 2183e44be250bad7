"""The contenders: feint, the peers, and a plain loop, all made to do the same mathematics.

Sign descent on equation 7 from x itself, every coordinate free, clipped to eps around x after
every step, the last iterate returned.  `HACKS` says what each needed for that, in a sentence.
A peer is imported when its contender is called, so that a worker holds one of them.
"""

from collections.abc import Callable

import torch
from benchmarks.peers.problem import Problem, loss
from torch import Tensor

Contender = Callable[[Problem, int], Tensor]
"""(problem, steps) -> the perturbed x."""


def bare(problem: Problem, steps: int) -> Tensor:
    """The loop one writes first: backward() through everything, the parameters included."""
    lower, upper = problem.x - problem.eps, problem.x + problem.eps
    x = problem.x.clone()
    for _ in range(steps):
        x.requires_grad_()
        problem.model.zero_grad()
        loss(problem.model(x), problem.target).sum().backward()
        assert x.grad is not None
        x = (x - problem.step_size * x.grad.sign()).clamp(lower, upper).detach()
    return x


def frozen(problem: Problem, steps: int) -> Tensor:
    """The same loop by one who froze the parameters first."""
    problem.model.requires_grad_(False)
    return bare(problem, steps)


def captum(problem: Problem, steps: int) -> Tensor:
    """captum.robust.PGD."""
    from captum.robust import PGD

    attack = PGD(problem.model, loss)
    attack.fgsm.zero_thresh = 0.0
    return attack.perturb(
        problem.x,
        radius=problem.eps,
        step_size=problem.step_size,
        step_num=steps,
        target=problem.target,
        targeted=True,
        random_start=False,
    )


def art(problem: Problem, steps: int) -> Tensor:
    """ART's ProjectedGradientDescent on its PyTorchRegressor."""
    from art.attacks.evasion import ProjectedGradientDescent
    from art.estimators.regression.pytorch import PyTorchRegressor

    def unflattened(flat: Tensor, target: Tensor) -> Tensor:
        return loss(flat.view_as(target), target).sum()

    regressor = PyTorchRegressor(
        problem.model, unflattened, input_shape=problem.x.shape[1:], device_type="cpu"
    )
    attack = ProjectedGradientDescent(
        regressor,
        eps=problem.eps,
        eps_step=problem.step_size,
        max_iter=steps,
        targeted=True,
        num_random_init=0,
        batch_size=len(problem.x),
        verbose=False,
    )
    return torch.from_numpy(attack.generate(problem.x.numpy(), problem.target.numpy()))


def foolbox(problem: Problem, steps: int) -> Tensor:
    """Foolbox's LinfPGD with a criterion and a loss of our own."""
    import eagerpy as ep
    from foolbox import Criterion, PyTorchModel
    from foolbox.attacks import LinfPGD

    class Reaction(Criterion):
        """Named as the attack looks for it; whether a row succeeded is never asked here."""

        target_classes = problem.target

        def __repr__(self) -> str:
            return "Reaction()"

        def __call__(self, perturbed: ep.Tensor, outputs: ep.Tensor) -> ep.Tensor:
            return ep.astensor(torch.zeros(len(perturbed), dtype=torch.bool))

    class Descent(LinfPGD):
        """With equation 7 in place of the cross-entropy."""

        def get_loss_fn(
            self, model: PyTorchModel, labels: Tensor
        ) -> Callable[[ep.Tensor], ep.Tensor]:
            return lambda x: ep.astensor(loss(model(x).raw, labels).sum())

    attack = Descent(abs_stepsize=problem.step_size, steps=steps, random_start=False)
    model = PyTorchModel(problem.model, bounds=(-torch.inf, torch.inf), device="cpu")
    _, clipped, _ = attack(model, problem.x, Reaction(), epsilons=problem.eps)
    return clipped


def feint(problem: Problem, steps: int) -> Tensor:
    """feint.AIA, as the paper's sign descent onto the target itself."""
    from feint import AIA, Budget, Sequences

    attack = AIA(
        steps=steps,
        step_size=problem.step_size,
        step_unit="data",
        optimizer="sign",
        schedule="constant",
        keep="last",
    )
    x = Sequences.pad(list(problem.x))
    target = x.with_values(problem.target)
    return attack(problem.model, x, target, Budget(problem.eps)).values


CONTENDERS: dict[str, Contender] = {
    "feint": feint,
    "bare": bare,
    "frozen": frozen,
    "captum": captum,
    "art": art,
    "foolbox": foolbox,
}

HACKS = {
    "feint": "none",
    "bare": "ten lines of its own",
    "frozen": "`requires_grad_(False)` on the model before the same ten lines",
    "captum": "`attack.fgsm.zero_thresh = 0.0`: it takes no step where a gradient is below 1e-6",
    "art": "a loss that gives the answer, which the regressor flattens, its shape back; one batch "
    "instead of batches of 32",
    "foolbox": "a subclass of the attack for its loss, and a criterion that holds the sequences as "
    "`target_classes` and calls no row a success",
}
"""What a contender needed to do this at all, in a sentence."""
