"""The [data] table of an experiment: generated data and SBU, recordings of people, CSV and Parquet.

Only the keys and their limits are here; `load.py` reads the files that they name. A key that is
added here also needs a line in docs/data.md.
"""

from pathlib import Path
from typing import Annotated, Any, Literal

from pydantic import Discriminator, Field, Tag, model_validator

from feint.config import ConfigTable, Count, Positive, Word, Words
from feint.data.formats import FORMATS
from feint.data.sbu.constants import FOLDS, PAPER_TEST_SETS
from feint.errors import FeintError

Axes = Annotated[tuple[Literal["x", "y", "z"], ...], Field(min_length=2, max_length=3)]
SOURCES = ("synthetic", "sbu", *FORMATS, "windows")
Unit = Literal["m", "cm", "mm", "inch"]
TAGS = ("given", "people", "table")
"""Labels of the three kinds of [data] inside pydantic's errors; users never write them."""


class Data(ConfigTable):
    """[data] with source "synthetic" or "sbu": generated interactions, or SBU's."""

    source: Literal["synthetic", "sbu"] = "synthetic"
    root: Path | None = None
    """SBU's folder; `--data` on the command line goes before it."""
    test_sets: Annotated[tuple[str, ...], Field(min_length=1)] = PAPER_TEST_SETS
    """Sets held out; `fold = 1` to `5` in their place takes SBU's official ones."""
    first_pose: bool = True
    """The reactor also sees its own first pose: where it stands (`with_first_pose`)."""
    reactor_role: Literal["any", "responder"] = "any"
    repetitions: Count = 2
    """Synthetic only: interactions per pair of people and class."""
    seed: int = 0
    """Synthetic only."""

    @model_validator(mode="before")
    @classmethod
    def _fold(cls, value: Any) -> Any:
        """`fold` becomes its test sets."""
        if isinstance(value, dict) and value.get("source", "sbu") not in SOURCES:
            raise FeintError(
                f"source is {value['source']!r}; expected one of {', '.join(SOURCES)} "
                "(docs/data.md)",
                code="unknown-source",
            )
        if not isinstance(value, dict) or "fold" not in value:
            return value
        fold = value["fold"]
        if type(fold) is not int or not 1 <= fold <= len(FOLDS) or "test_sets" in value:
            raise FeintError(
                f"fold is {fold!r}; expected 1 to {len(FOLDS)}, and no test_sets beside it",
                code="bad-fold",
            )
        rest = {k: v for k, v in value.items() if k != "fold"}
        return {**rest, "test_sets": FOLDS[fold - 1]}

    def on_fold(self, fold: int) -> "Data":
        """The same with one of SBU's official folds held out, 1 to 5."""
        if not 1 <= fold <= len(FOLDS):
            raise FeintError(f"The fold is {fold}; expected 1 to {len(FOLDS)}.", code="bad-fold")
        return self.model_copy(update={"test_sets": FOLDS[fold - 1]})


class _UserData(ConfigTable):
    """The keys that every [data] with the user's own files has: the folder and the split."""

    root: Path | None = None
    """The folder; `--data` on the command line goes before it."""
    test_sets: Words | None = None
    """Sets held out."""
    folds: tuple[Words, ...] = ()
    """Lists of sets; `fold` chooses the list held out, from 1."""
    fold: Count | None = None
    test_share: Annotated[float, Field(gt=0, lt=1)] | None = None
    """The share of all sets held out, drawn by `seed`, in place of named sets."""
    seed: Annotated[int, Field(ge=0)] = 0
    horizon: Annotated[int, Field(ge=0)] = 0
    """How many frames (steps) later than the input the output is."""
    first_pose: bool = True
    """The model also sees the first frame of the true answer, which no attacker can change."""

    @model_validator(mode="before")
    @classmethod
    def _forecasts(cls, value: Any) -> Any:
        """Forecasting models do not get the first pose by default: it would leak the future."""
        if isinstance(value, dict) and "first_pose" not in value:
            forecasts = value.get("source") == "windows" or bool(value.get("horizon", 0))
            return {**value, "first_pose": not forecasts}
        return value

    @model_validator(mode="after")
    def _split(self) -> "_UserData":
        given = [self.test_sets is not None, self.fold is not None, self.test_share is not None]
        if sum(given) != 1:
            raise FeintError(
                f"{sum(given)} of test_sets, fold and test_share are given; expected one of them: "
                'test_sets = ["b"], or folds = [["a"], ["b"]] with fold = 2, or test_share = 0.2',
                code="bad-split",
            )
        if self.fold is not None and not self.fold <= len(self.folds):
            raise FeintError(
                f"fold is {self.fold}, and folds has {len(self.folds)} lists of sets",
                code="bad-fold",
            )
        if self.first_pose and self.horizon:
            raise FeintError(
                f"first_pose = true with horizon = {self.horizon} would show the model its own "
                "future; set first_pose = false, or horizon = 0",
                code="first-pose-is-future",
            )
        return self

    @property
    def chosen_sets(self) -> tuple[str, ...] | None:
        """The sets held out by name or by fold; None where `test_share` draws them."""
        return self.folds[self.fold - 1] if self.fold is not None else self.test_sets

    def on_fold(self, fold: int) -> "_UserData":
        """The same with another of its `folds` held out."""
        if not 1 <= fold <= len(self.folds):
            raise FeintError(
                f"The fold is {fold}, and the experiment's data.folds has {len(self.folds)} lists; "
                'expected one of them, from 1. Write data.folds = [["a"], ["b"]].',
                code="bad-fold",
            )
        return self.model_copy(update={"fold": fold, "test_sets": None, "test_share": None})


class PeopleData(_UserData):
    """[data] with one of `feint.data.formats.FORMATS` as its source: recordings of people."""

    source: str
    skeleton: Word | None = None
    """A name of feint's own (`feint.data.skeletons`) or a TOML file; BVH files bring theirs."""
    unit: Unit | Annotated[tuple[Unit, ...], Field(min_length=2, max_length=3)] | None = None
    """Of the files' positions, or one per axis x, y, z. NTU's are metres; otherwise needed, or
    `height`, or the scale of a skeleton in TOML."""
    height: Positive | None = None
    """How tall the recorded people are in metres: the scale is then measured on the data."""
    up: Literal["y", "-y", "z", "-z"] | None = None
    """The axis that points up; image coordinates have "-y"."""
    image_size: tuple[Count, Count] | None = None
    """Width and height of the images in pixels, for points that are shares of them."""
    root_joint: Word | None = None
    """The ROOT that is the person, in BVH files with several."""
    joint_aliases: dict[Word, Word] = Field(default_factory=dict)
    """Names that files have for a joint, and the skeleton's name for it: { Hip = "Hips" }."""
    axes: Axes | None = None
    """Which of x, y and z are used; what the files have, if not given."""
    fps: Positive | None = None
    """Frames a second; recordings with another rate are resampled to it."""
    people: Literal["two", "top-2-motion"] | tuple[Word, Word] | tuple[Word] = "two"
    """'two': exactly two, or it is an error; two names; the two who move most; one name (or a
    recording of one person) with `horizon` is a forecast of oneself."""
    leave_out: tuple[Word, ...] | Word = ()
    """Names of recordings that are not used, or a text file with one name a line."""
    on_bad_recording: Literal["error", "leave-out"] = "error"
    """A recording that cannot be used is an error, or it is left out and named in a note."""
    confidence: Annotated[float, Field(ge=0, le=1)] = 0.3
    """Keypoints below it are missing."""
    max_gap: Annotated[float, Field(ge=0, le=10)] = 0.2
    """Seconds: shorter or equal runs of missing frames are interpolated."""
    on_long_gap: Literal["error", "split"] = "error"
    """Longer ones: an error, or the recording is cut there and what is missing left out."""
    min_frames: Annotated[int, Field(ge=2)] = 8
    """Frames a recording (or a piece of one) must have; shorter pieces are left out."""
    max_frames: Annotated[int, Field(ge=2)] | None = None
    """Frames it may have; longer recordings are cut into equal pieces."""
    reactor_role: Literal["any", "responder"] = "any"


class TableData(_UserData):
    """[data] with source "windows": CSV or Parquet, cut into windows."""

    source: Literal["windows"]
    inputs: Words | None = None
    outputs: Words | None = None
    time: Word | None = None
    """The column of time: it must rise by the same step; missing steps count as gaps."""
    time_format: Word | None = None
    """Of dates that do not begin with the year: "%d/%m/%Y %H:%M"."""
    resample: bool = False
    """Rows at uneven times are interpolated linearly at even steps, in place of an error."""
    track: Word | None = None
    """The column that says which track (series) a row belongs to; without it a file is one."""
    separator: Annotated[str, Field(pattern='^[^\n\r"]$')] | None = None
    """Between cells: ",", ";", "\t", "|", or " " for any run of blanks; guessed if not given."""
    encoding: Annotated[str, Field(pattern="^[A-Za-z0-9_-]{1,20}$")] = "utf-8"
    """Of CSV files; a byte-order mark goes before it."""
    names: Words | None = None
    """The columns' names, for files without a line of names."""
    names_line: Count = 1
    """The line of the columns' names."""
    first_line: Count | None = None
    """The line of the first row; the one after the names if not given."""
    decimal: Literal[".", ","] = "."
    """The decimal separator."""
    thousands: Literal["", ".", ",", "'", " ", "_"] = ""
    """What groups digits by three; " " stands for all narrow and fixed spaces."""
    missing: tuple[Word | float, ...] = ()
    """More cells that mean a missing value: ["?", "-", -200]."""
    words: dict[Word, float] = Field(default_factory=dict)
    """Words that stand for numbers: { True = 1, False = 0 }."""
    offsets: dict[Word, float] = Field(default_factory=dict)
    """Subtracted from columns, inputs and outputs alike, before they become float32."""
    input_size: Annotated[int, Field(ge=2, le=100_000)]
    """Steps of a window."""
    stride: Count | None = None
    """Steps from one test window to the next; `input_size` if not given: no overlap."""
    train_stride: Count | None = None
    """The same of training windows; `stride` if not given."""
    n_segments: Annotated[int, Field(ge=1, le=1000)] = 1
    """Each file is cut into so many consecutive segments of equal size, the sets "<file>-1" and so
    on; no window crosses from one segment into the next."""
    max_gap: Annotated[int, Field(ge=0, le=1000)] = 3
    """Steps: up to so many missing values in a row are interpolated; windows with longer gaps are
    left out."""
    units: dict[Word, Annotated[str, Field(max_length=40)]] = Field(default_factory=dict)
    """The unit of each column: { OT = "°C" }."""
    step: Annotated[str, Field(max_length=40)] = "step"
    """The name of one time step: "hour"."""

    @model_validator(mode="after")
    def _columns(self) -> "TableData":
        if self.inputs is None or self.outputs is None:
            raise FeintError(
                'inputs and outputs are required: inputs = ["a", "b"], outputs = ["c"]',
                code="missing-key",
            )
        for name, words in (("inputs", self.inputs), ("outputs", self.outputs)):
            if len(set(words)) != len(words):
                raise FeintError(
                    f"{name} repeats a column: {', '.join(words)}", code="duplicate-name"
                )
        if unknown := set(self.units) - {*self.inputs, *self.outputs}:
            raise FeintError(
                f"units names {', '.join(sorted(unknown))}; expected inputs or outputs",
                code="unknown-column",
            )
        if unknown := set(self.offsets) - {*self.inputs, *self.outputs}:
            raise FeintError(
                f"offsets names {', '.join(sorted(unknown))}; expected inputs or outputs",
                code="unknown-column",
            )
        if self.thousands == self.decimal:
            raise FeintError(
                f"decimal and thousands are both {self.decimal!r}; expected different ones",
                code="bad-separator",
            )
        return self


def _kind(value: Any) -> str:
    source = value.get("source") if isinstance(value, dict) else getattr(value, "source", None)
    if source in FORMATS:
        return "people"
    return "table" if source == "windows" else "given"


AnyData = Annotated[
    Annotated[Data, Tag(TAGS[0])]
    | Annotated[PeopleData, Tag(TAGS[1])]
    | Annotated[TableData, Tag(TAGS[2])],
    Discriminator(_kind),
]
