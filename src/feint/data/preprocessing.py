"""From one recording to interactions: people in metres, at one rate, cut where they are missing.

`recordings_load` reads every recording of a folder and calls `interactions` on each.  What is done
on the way is counted, and the counts become notes at the end of the report.
"""

from collections import Counter
from collections.abc import Sequence
from dataclasses import dataclass, field

import numpy as np
import torch
from jaxtyping import Float

from feint.data.formats.recording import AnyPositions, Positions, Recording
from feint.data.interpolation import interpolate_gaps, run_lengths, sample_linearly
from feint.data.listing import RecordingFiles
from feint.data.pairs import Interaction
from feint.data.people import Choice, choose, trim
from feint.data.scale import Scale, to_metres
from feint.errors import FeintError

SAME_RATE = 0.01
"""How much two frame rates may differ, relative, and still be one."""


@dataclass
class PreprocessOptions:
    """What is done with recordings, and what was done.

    Attributes:
        scale: joints, axes and metres of what comes out; its skeleton's fps is the rate.
        choice: which people.
        resample: to the rate; otherwise another rate is an error.
        default_fps: the rate of files that do not say; None if that is an error.
        max_gap: seconds of missing frames that are interpolated.
        split_at_gaps: cut a recording where longer gaps are, in place of an error.
        min_frames, max_frames: of a piece, as a model sees it.
        horizon: frames from what one person does to what is predicted of the same.
        counts: how often what was done, for the notes.
        assumed: what was assumed, in sentences, and of how many recordings.
    """

    scale: Scale
    choice: Choice
    resample: bool = False
    default_fps: float | None = None
    max_gap: float = 0.2
    split_at_gaps: bool = False
    min_frames: int = 8
    max_frames: int | None = None
    horizon: int = 0
    counts: "Counter[str]" = field(default_factory=Counter)
    assumed: "Counter[str]" = field(default_factory=Counter)

    @property
    def fps(self) -> float:
        """Frames a second of what comes out."""
        return self.scale.skeleton.fps


def interactions(
    files: RecordingFiles, recordings: Sequence[Recording], options: PreprocessOptions
) -> list[Interaction]:
    """The interactions of one recording: one, or one per piece; none if all pieces are too short.

    Raises:
        FeintError: not the people, rate or joints expected, or a gap that is too long.
    """
    people: dict[str, AnyPositions] = {}
    for i, recording in enumerate(recordings):
        each, notes = to_metres(recording, options.scale)
        for note in (*recording.notes, *notes):
            options.assumed[note] += 1
        fps = _rate(recording, options)
        for name, values in each.items():
            own = f"{i}-{name}" if name in people else name
            people[own] = _resampled(values, recording, fps, options)
    choice = options.choice if not files.people else _named(options.choice, files.people)
    chosen = choose(people, choice, options.fps, str(files.files[0]), options.counts)
    both = trim(chosen, str(files.files[0]), options.counts)
    found = []
    for k, piece in enumerate(_pieces(both, files, options)):
        first, second = piece[0], piece[-1]
        if options.horizon:
            first, second = first[: -options.horizon], second[options.horizon :]
        set_, label, name = files.key.split("/")
        key = f"{set_}/{label}/{name}" + (f".{k}" if k else "")
        flat = [torch.tensor(one, dtype=torch.float32).flatten(1) for one in (first, second)]
        initiator = "first" if len(chosen) == 1 else files.initiator
        found.append(Interaction(key, files.set, files.label, flat[0], flat[1], initiator))
    if not found:
        options.counts["recordings too short and left out"] += 1
    return found


def _named(choice: Choice, names: tuple[str, ...]) -> Choice:
    return Choice(choice.count, names)


def _rate(recording: Recording, options: PreprocessOptions) -> float:
    """Rows a second of a recording; checked against the rate of the others."""
    rate = options.fps
    if recording.times is not None:
        span = float(recording.times[-1] - recording.times[0])
        fps = (len(recording.times) - 1) / span if span > 0 else rate
    else:
        given = recording.fps or options.default_fps
        if given is None:
            raise FeintError(
                f"{recording.file} does not say how many frames a second it has, and others do. "
                "Set data.fps = 30: the rate of files that do not say, to which the others are "
                "resampled.",
                code="no-frame-rate",
            )
        fps = given / recording.frame_step
    if recording.times is None and abs(fps / rate - 1) <= SAME_RATE:
        return rate
    if not options.resample:
        uneven = recording.times is not None
        raise FeintError(
            f"{recording.file} has {'uneven steps, on average ' if uneven else ''}{fps:.4g} frames "
            f"a second, {'' if uneven else f'and others {rate:g}; '}expected one rate. Set "
            f"data.fps = {rate:g}, and all are resampled to it.",
            code="uneven-time" if uneven else "different-rates",
        )
    options.counts[f"files resampled from {fps:.4g} to {rate:g} frames a second"] += 1
    return fps


def _resampled(
    values: Positions, recording: Recording, fps: float, options: PreprocessOptions
) -> Float[np.ndarray, "resampled joints axes"]:
    """Short gaps interpolated, and resampled (linearly) where the rate is another."""
    flat = values.reshape(len(values), -1)
    out, there = interpolate_gaps(flat, round(options.max_gap * fps))
    options.counts["values interpolated in short gaps"] += int((there & np.isnan(flat)).sum())
    step, at = fps / options.fps, None
    if recording.times is not None:
        begin, end = recording.times[0], recording.times[-1]
        grid = np.arange(begin, end + 1e-9, 1 / options.fps)
        at = np.interp(grid, recording.times, np.arange(len(recording.times)))
    elif step != 1:
        at = np.arange(0, len(out) - 1 + 1e-9, step)
    if at is not None:
        out = sample_linearly(torch.from_numpy(out), torch.from_numpy(at)).numpy()
    return out.reshape(len(out), *values.shape[1:])


def _pieces(
    people: list[AnyPositions], files: RecordingFiles, options: PreprocessOptions
) -> list[list[AnyPositions]]:
    """The stretches without a gap, cut to the length that is allowed."""
    flat = np.concatenate([one.reshape(len(one), -1) for one in people], axis=1)
    missing = np.isnan(flat)
    if missing.all(axis=0).any():
        raise FeintError(
            f"{files.files[0]} never shows {_joint(missing.all(axis=0), options)}. Write a "
            'skeleton without it (data.skeleton = "mine.toml"), lower data.confidence, or leave '
            "the recording out (data.leave_out).",
            code="missing-joint",
        )
    gone = missing.any(axis=1)
    there = np.flatnonzero(~gone)
    begin, end = (int(there[0]), int(there[-1]) + 1) if len(there) else (0, 0)
    inside = gone[begin:end]
    if inside.any() and not options.split_at_gaps:
        lengths = np.where(inside, run_lengths(inside), 0)
        at = int(lengths.argmax())
        raise FeintError(
            f"{files.files[0]} has a gap of {lengths[at] / options.fps:.2f} s (frames "
            f"{begin + at} to {begin + at + lengths[at] - 1} of {len(gone)}): "
            f"{_joint(missing[begin + at], options)} is missing there, for longer than "
            f'data.max_gap = {options.max_gap:g} s. Set data.on_long_gap = "split" to cut it '
            "there, or a larger data.max_gap.",
            code="long-gap",
        )
    options.counts["frames left out at the ends or in long gaps"] += int(gone.sum())
    edges = np.flatnonzero(np.diff(np.concatenate([[True], gone, [True]])))
    horizon, pieces = options.horizon, []
    for a, b in zip(edges[::2], edges[1::2], strict=True):
        # A model sees `horizon` frames fewer of a piece than there are.
        parts = -(-max(1, b - a - horizon) // options.max_frames) if options.max_frames else 1
        ends = [a + (b - a - horizon) * i // parts for i in range(parts + 1)]
        pieces += [(ends[i], ends[i + 1] + horizon) for i in range(parts)]
    kept = [(s, e) for s, e in pieces if e - s - horizon >= options.min_frames]
    if len(kept) < len(pieces):
        options.counts["pieces too short and left out"] += len(pieces) - len(kept)
    return [[one[s:e] for one in people] for s, e in kept]


def _joint(missing: np.ndarray, options: PreprocessOptions) -> str:
    """The first missing coordinate's joint and person, in words."""
    skeleton = options.scale.skeleton
    person, feature = divmod(int(missing.argmax()), skeleton.features)
    name = skeleton.joints[feature // len(skeleton.axes)]
    others = missing.reshape(-1, len(skeleton.joints), len(skeleton.axes)).any(axis=2).sum() - 1
    more = f" and {others} other joints" if others else ""
    owner = ("the first person", "the second person")[person] if person < 2 else "a person"
    return f"{name!r} of {owner}{more}"
