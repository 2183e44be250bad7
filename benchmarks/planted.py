"""How much of a gap that can be closed each preset closes, reactor by reactor.

    python -m benchmarks.planted

Planted targets, y' = f(x + delta*), can be reached exactly: delta* lies inside the budget (depth
alone, eps 0.3).  Recovery is 1 - d(f(x'), y') / d(f(x), y') with equation 7's d; 1 is the optimum,
0 no better than no attack.  The reactors are compact and trained for seconds on generated data
(tests/attacks/problems.py).  The sphere's kappa, where it is used, is a tenth of each reactor's
mean gap: with it a perfect attack ends at the sphere, not at the target.
"""

import time
from dataclasses import replace

from tests.attacks.problems import REACTORS, depth, planted, recovery, trained

from feint.attacks import AIA
from feint.models.inference import predict
from feint.sequences import distance

ATTACKS = {
    "paper-eq6": AIA.preset("paper-eq6"),
    "paper-eq6, point": AIA.preset("paper-eq6", surface="point"),
    "paper-eq6, point, lambda 0": AIA.preset("paper-eq6", surface="point", smoothness=0.0),
    "paper-adam": AIA.preset("paper-adam"),
    "paper-adam, point": AIA.preset("paper-adam", surface="point"),
    "paper-adam, point, lambda 0": AIA.preset("paper-adam", surface="point", smoothness=0.0),
    "strong, 1 start": AIA.preset("strong", restarts=1),
    "strong": AIA.preset("strong"),
}


def main() -> None:
    """Print a Markdown table."""
    print("| reactor | d(f(x), y') a frame | attack | mean | worst row | s |")
    print("|---|---|---|---|---|---|")
    for name, overfit in [*((name, False) for name in REACTORS), ("DeepGRU", True)]:
        model, seen = trained(name, overfit)
        budget = depth(seen)
        x, target = planted(model, seen, budget)
        gap = distance(predict(model, x), target)
        for label, attack in ATTACKS.items():
            if attack.surface == "sphere":
                attack = replace(attack, kappa=0.1 * float(gap.mean()))
            start = time.perf_counter()
            share = recovery(attack, model, x, target, budget)
            seconds = time.perf_counter() - start
            print(
                f"| {name}{', overfit' if overfit else ''} | {float((gap / x.lengths).mean()):.3f} "
                f"| {label} | {float(share.mean()):.3f} | {float(share.min()):.3f} "
                f"| {seconds:.0f} |",
                flush=True,
            )


if __name__ == "__main__":
    main()
