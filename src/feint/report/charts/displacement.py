"""The section "Beside people's own movement": displacements of joints, as cumulative shares.

The displacements are read by `distance_curves.py`; titles, axes and sentences are here.
"""

from feint.report.charts.chart import SHARE, Axis, Chart, Curve, Line, Section
from feint.report.charts.distance_curves import CENTIMETRES, DisplacementCdf
from feint.report.charts.inputs import ChartInputs

LINES = {
    "attack": Line("displaced by the attack", "attacked", 2.4),
    "noise": Line("displaced by random noise", "noise", dashed=True),
    "frame to frame": Line("own movement, from frame to frame", "actor"),
    "over sequence": Line("own movement, over the sequence", "reactor"),
}
KINDS = list(LINES)


def section(inputs: ChartInputs) -> Section | None:
    """Displacements in cm; None where they are not known."""
    sample = inputs.sample
    values = [
        *((m, "frame to frame", None, one) for m, one in sample.frame_to_frame.items()),
        *((m, "over sequence", None, one) for m, one in sample.over_sequence.items()),
        *((m, kind, eps, one) for (m, kind, eps), one in sample.displacements.items()),
    ]
    values = [one for one in values if one[0] in inputs.models and one[3].shares]
    values = [one for one in values if one[2] is None or one[2] in inputs.eps]
    if not values:
        return None
    shown = 1 + max(sum(share < 1 for share in one.shares) for *_, one in values)
    curves, medians = [], {}
    for model, kind, eps, one in values:
        at = {"model": inputs.models.index(model)}
        at |= {} if eps is None else {"eps": inputs.eps.index(eps)}
        curves.append(
            Curve(KINDS.index(kind), CENTIMETRES[:shown].tolist(), one.shares[:shown], at=at)
        )
        medians[model, kind, eps] = one
    chart = Chart(
        "displacement",
        Axis("cm (logarithmic)", tip="at most {} cm", log=True),
        Axis("share of joints", **SHARE),  # type: ignore[arg-type]
        list(LINES.values()),
        curves,
        ("model", "eps"),
        texts=_texts(inputs, medians),
        alt="Shares of joints displaced by at most so many cm, beside people's own movement.",
    )
    return Section(
        "displacement",
        "Beside people's own movement",
        "How far the attack displaces a joint in a frame, beside how far the same joints move by "
        "themselves: from one frame to the next, and at most from where they begin. The curves are "
        "cumulative shares of joints and frames on a logarithmic scale: a curve further left is a "
        "smaller movement.",
        (chart,),
        (inputs.model_control, inputs.eps_control),
        place="perturbation",
    )


def _texts(
    inputs: ChartInputs, medians: dict[tuple[str, str, float | None], DisplacementCdf]
) -> list[tuple[dict[str, int], str]]:
    texts = []
    for i, model in enumerate(inputs.models):
        for j, eps in enumerate(inputs.eps):
            found = [
                f"{look.name} {one.median:.3g} cm"
                for kind, look in LINES.items()
                if (one := medians.get((model, kind, eps)) or medians.get((model, kind, None)))
            ]
            text = (
                f"{model}, at most {inputs.matrix.eps_labels[j]}; medians of a joint: "
                f"{'; '.join(found)}. {inputs.sampled(model)}"
            )
            texts.append(({"model": i, "eps": j}, text))
    return texts
