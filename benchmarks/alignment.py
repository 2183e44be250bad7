"""How well does an aligned distance tell reactions apart?  (docs/departures.md, 8 and 9)

For every way of placing one reaction on another, the AUC of the mean per-frame distance between
reactions of different classes against reactions of the same class, on the same side, among the
training sets of the paper's split; with and without telling the two roles apart.

    python benchmarks/alignment.py --data DIR     # SBU
    python benchmarks/alignment.py                # the embedded data
"""

import argparse
from pathlib import Path

import torch

from feint.attacks.targets import between
from feint.data.pairs import guess_initiator, pair
from feint.data.sbu import dataset
from feint.data.synthetic import generate
from feint.evaluation.psychometric import auc
from feint.reproduction.distance_auc import codes


def main() -> None:
    """Print one line a placement."""
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument("--data", type=Path, help="SBU's folder; the embedded data if not given")
    data = parser.parse_args().data
    interactions = dataset.read(data) if data else generate.generate()
    known = [one for one in interactions if one.initiator != "unknown"]
    if known:
        right = sum(guess_initiator(one.first, one.second) == one.initiator for one in known)
        print(
            f"the one who moves more is the initiator in {right / len(known):.0%} of {len(known)}"
        )
    train = pair(dataset.split(interactions)[0])
    print(f"{len(train)} training reactions\nplace    roles   AUC    median same  median different")
    for place in ("raw", "reactor", "root"):
        for roles in (False, True):
            alike, unlike = [], []
            for side in ("left", "right"):
                rows = [i for i in range(len(train)) if train.sides[i] == side]
                apart = between(train.reactor[rows], train.skeleton, anchor=place)
                label = codes([train.labels[i] for i in rows])
                same = label[:, None] == label
                if roles:
                    role = codes([train.roles[i] for i in rows])
                    same &= role[:, None] == role
                same &= ~torch.eye(len(rows), dtype=torch.bool)
                alike.append(apart[same])
                unlike.append(apart[label[:, None] != label])
            a, u = torch.cat(alike), torch.cat(unlike)
            kind = "apart" if roles else "mixed"
            area = auc(a.numpy(), u.numpy())
            print(f"{place:8} {kind:6} {area:5.3f}  {a.median():11.3f}  {u.median():16.3f}")


if __name__ == "__main__":
    main()
