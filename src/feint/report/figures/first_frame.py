"""The first frame of an experiment's data with the names of its joints, drawn before any training.

A joint in a wrong place is seen at once here, and nowhere else before the results.  The SVG is
written by hand, so that it needs no drawing library.
"""

from html import escape
from pathlib import Path

import torch

from feint.data.pairs import Pairs
from feint.io.atomic import safe_join, write_text
from feint.skeleton import Skeleton

NAME = "first-frame.svg"
PIXELS_PER_METRE = 420
MARGIN = 60
COLOURS = ("#0072B2", "#009E73")
"""Of the actor and the reactor, as in all figures."""
INK = "#222222"


def write(folder: Path, pairs: Pairs) -> Path | None:
    """Draw the first pair into a run's report folder; nothing for columns.

    Args:
        folder: of the run.
        pairs: of people; their first row is drawn.

    Returns:
        the file, or None.
    """
    if not isinstance(pairs.feature_spec, Skeleton):
        return None
    path = safe_join(folder, "report", NAME)
    write_text(path, first_frame(pairs))
    return path


def first_frame(pairs: Pairs) -> str:
    """An SVG of both people of the first pair in their first frame, seen from the front."""
    skeleton = pairs.skeleton
    people = [s.unpad()[0][0] for s in (pairs.actor, pairs.reactor)]
    points = torch.stack([skeleton.to_metres(one)[:, :2] for one in people]).double()
    points[..., 0] *= -1 if skeleton.scale[0] < 0 else 1
    points[..., 1] *= -1  # SVG's y points down
    low = points.amin(dim=(0, 1))
    size = (points.amax(dim=(0, 1)) - low) * PIXELS_PER_METRE + 2 * MARGIN
    at = ((points - low) * PIXELS_PER_METRE + MARGIN).tolist()
    title = f"First frame of {pairs.keys[0]}: the actor (blue) and the reactor (green)"
    parts = [
        f'<svg xmlns="http://www.w3.org/2000/svg" viewBox="0 -20 {size[0]:.0f} {size[1] + 20:.0f}" '
        'font-family="DejaVu Sans, sans-serif" font-size="10">',
        '<rect x="0" y="-20" width="100%" height="100%" fill="white"/>',
        f'<text x="8" y="-6" font-size="12" fill="{INK}">{escape(title)}</text>',
    ]
    for person, colour in zip(at, COLOURS, strict=True):
        for parent, child in skeleton.bones:
            a, b = person[skeleton.joint(parent)], person[skeleton.joint(child)]
            parts.append(
                f'<line x1="{a[0]:.1f}" y1="{a[1]:.1f}" x2="{b[0]:.1f}" y2="{b[1]:.1f}" '
                f'stroke="{colour}" stroke-width="2"/>'
            )
        for name, (x, y) in zip(skeleton.joints, person, strict=True):
            parts.append(
                f'<circle cx="{x:.1f}" cy="{y:.1f}" r="3" fill="{colour}"/>'
                f'<text x="{x + 5:.1f}" y="{y - 3:.1f}" fill="{INK}">{escape(name)}</text>'
            )
    return "\n".join([*parts, "</svg>"]) + "\n"
