"""TensorBoard: training curves while a model trains, and mean distances.  Off unless --tensorboard.

Nothing else reads these files, and they change no result.
"""

import importlib.util
from collections.abc import Callable
from dataclasses import dataclass
from pathlib import Path
from typing import Any

from feint.errors import FeintError


@dataclass(frozen=True)
class Tracker:
    """Writes to a folder that `tensorboard --logdir` reads."""

    folder: Path

    def check(self) -> None:
        """Raise FeintError if TensorBoard is not installed."""
        if importlib.util.find_spec("tensorboard") is None:
            raise FeintError(
                "--tensorboard needs TensorBoard, which is not installed. "
                "Expected: pip install 'feint[tensorboard]'",
                "not-installed",
            )

    def training(self, name: str, key: str) -> Callable[[int, Any], None]:
        """A `callback` for `feint.train` that writes the errors of every epoch."""
        from torch.utils.tensorboard import SummaryWriter

        writer = SummaryWriter(str(self.folder / f"{name.replace(' ', '-')}-{key[:8]}"))

        def callback(done: int, history: Any) -> None:
            for what in ("loss", "validation"):
                if getattr(history, what):
                    writer.add_scalar(what, getattr(history, what)[-1], done)
            writer.flush()

        return callback

    def results(self, values: dict[str, float], step: int) -> None:
        """Write numbers of a whole run, under their names."""
        from torch.utils.tensorboard import SummaryWriter

        with SummaryWriter(str(self.folder / "results")) as writer:
            for name, value in values.items():
                writer.add_scalar(name, value, step)
