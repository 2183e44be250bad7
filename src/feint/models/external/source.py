"""Where a model that you bring comes from: code by its import path, files, or both.

Only the description is here; it is stored in a run's folder, and reading it runs nothing.
`external/loading.py` builds the model from it.
"""

from collections.abc import Mapping
from dataclasses import asdict, dataclass, field
from typing import Any

from feint.io.hashing import digest
from feint.models.external.import_path import Kind


@dataclass(frozen=True)
class ModelSource:
    """The description of a model that you bring.

    Attributes:
        kind: "import": what `model` names; "saved": a model that feint saved; "hub": a folder of
            Hugging Face's `PyTorchModelHubMixin`, its class by import path; "exported": a .pt2.
        model: the import path, `package.module:name`: a factory or class, called with the
            arguments, or a module.
        arguments: JSON values.
        samples: number of draws that a random model is averaged over; None for a deterministic one.
        seed: of what a factory draws, and of the samples.
        code_hash: sha256 of the file that holds what `model` names; "" if there is none.
        files_hash: sha256 of the files read; "" if there are none.
    """

    kind: Kind
    model: str = ""
    arguments: Mapping[str, Any] = field(default_factory=dict)
    samples: int | None = None
    seed: int = 0
    code_hash: str = ""
    files_hash: str = ""

    def to_dict(self) -> dict[str, Any]:
        """As JSON values; `ModelSource(**values)` is the inverse."""
        return asdict(self)

    @property
    def digest(self) -> str:
        """The hash by which an experiment trusts the model's code."""
        return digest(self.to_dict())
