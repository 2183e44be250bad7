"""Where a user's own model comes from: code by its import path, files, or both.

A model by import path *is code*: reading an experiment that names one runs it.  A .pt2 export is
unpickled, which can run code too; it is read only where somebody said --trust.  What a run's
folder names is built again only by who trusts it (`Source.build`).
"""

import io
import tempfile
import warnings
from collections.abc import Collection, Mapping
from dataclasses import asdict, dataclass, field
from pathlib import Path
from typing import Any

import safetensors
import safetensors.torch
import torch
from torch import Tensor, nn

from feint.errors import FeintError
from feint.io.hashing import digest
from feint.models.external.import_path import Kind, bytes_to_tensor, hash_code, import_object
from feint.models.external.wrappers import CastModel, EOTModel, Exported, Function
from feint.models.inference import call_with_lengths

FILE, STATE = "file.", "state."
"""Before the names of the tensors that a source is kept as: a file's bytes, or a weight."""
REFUSED = (
    "A .pt2 export is unpickled when it is read, and a pickle can run any code it likes. Say "
    "--trust if you made it or trust who did; weights as safetensors and code by its import path "
    'need no pickle (kind = "import").'
)


@dataclass(frozen=True)
class ModelSource:
    """A user's model, as it is told in a job and in a run's folder.

    Attributes:
        kind: "import": what `model` names; "saved": a model that feint saved; "hub": a folder of
            Hugging Face's `PyTorchModelHubMixin`, its class by import path; "exported": a .pt2.
        model: the import path, `package.module:name`: a factory or class, called with the
            arguments, or a module.
        arguments: JSON values.
        samples: draws over which a random model is averaged; None for one that draws none.
        seed: of what a factory draws, and of the samples.
        code: sha256 of the file that holds what `model` names; "" where there is none.
        content: sha256 of the files read; "" where there are none.
    """

    kind: Kind
    model: str = ""
    arguments: Mapping[str, Any] = field(default_factory=dict)
    samples: int | None = None
    seed: int = 0
    code_hash: str = ""
    files_hash: str = ""

    def to_dict(self) -> dict[str, Any]:
        """As JSON."""
        return asdict(self)

    @property
    def digest(self) -> str:
        """What it is trusted by."""
        return digest(self.to_dict())

    def load(self, files: Mapping[str, bytes], trust: bool = False) -> "ExternalModel":
        """The model, in evaluation mode, on the CPU, answering in single precision.

        Args:
            files: what `files_of` read.
            trust: unpickle an export.

        Raises:
            FeintError: it cannot be imported or built, or its files do not fit it.
        """
        with torch.random.fork_rng(devices=[]):
            torch.manual_seed(self.seed)
            made = self._make(files, trust)
        made.eval()
        return ExternalModel(self._answering(made), self, files)

    def _make(self, files: Mapping[str, bytes], trust: bool) -> nn.Module:
        if self.kind == "exported":
            return _exported(files["model.pt2"], trust)
        found = import_object(self.model)
        if self.kind == "hub":
            return _from_hub(found, self.model, files)
        model = _built(found, self.model, self.arguments)
        for name, content in files.items():
            try:
                state = safetensors.torch.load(content)
                model.load_state_dict(state)
            except (safetensors.SafetensorError, RuntimeError, ValueError) as error:
                raise FeintError(
                    f"{name} does not fit {self.model}: {' '.join(str(error).split())[:500]}. "
                    "Expected the state_dict of what the factory builds, saved by safetensors; "
                    "look at its arguments."
                ) from error
        return model

    def _answering(self, model: nn.Module) -> nn.Module:
        dtype = next((p.dtype for p in model.parameters() if p.is_floating_point()), torch.float32)
        if dtype != torch.float32:
            model = CastModel(model, dtype)
        if self.samples is not None:
            model = EOTModel(model, self.samples, self.seed)
        return model

    def build(self, kept: Mapping[str, Tensor], trusted: Collection[str]) -> "ExternalModel":
        """The model again, from what `ExternalModel.to_tensors` kept.

        Raises:
            FeintError: it is code that is not trusted, or has changed since.
        """
        if self.digest not in trusted:
            raise FeintError(
                f"This model is code of somebody's ({self.model or 'a .pt2 export'}); it is run "
                "only for the experiment that names it, or with --trust."
            )
        if self.model:
            import_object(self.model)
        if self.model and self.code_hash != hash_code(self.model):
            raise FeintError(
                f"The code of {self.model} changed since its answers were kept. Run the "
                "experiment again, or bring the code back."
            )
        files = {
            name.removeprefix(FILE): bytes(tensor.numpy())
            for name, tensor in kept.items()
            if name.startswith(FILE)
        }
        model = self.load(files, trust=True)
        state = {
            name.removeprefix(STATE): tensor
            for name, tensor in kept.items()
            if name.startswith(STATE)
        }
        if state:
            model.load_state_dict(state)
        return model


class ExternalModel(nn.Module):
    """A user's model, with where it comes from.

    Attributes:
        model: what answers.
        source: where it comes from; `settings` is the same as JSON.
    """

    def __init__(self, model: nn.Module, source: ModelSource, files: Mapping[str, bytes]) -> None:
        super().__init__()
        self.model, self.source, self.settings = model, source, source.to_dict()
        self._files = {} if source.kind == "import" else dict(files)

    def forward(self, x: Tensor, lengths: Tensor) -> Tensor:
        """What the model answers."""
        return call_with_lengths(self.model, x, lengths)

    def to_tensors(self) -> dict[str, Tensor]:
        """Everything but code that builds this very model again.

        Raises:
            FeintError: its state is no tensors, or on meta.
        """
        if self._files:
            return {FILE + name: bytes_to_tensor(content) for name, content in self._files.items()}
        state = self.state_dict()
        odd = [name for name, value in state.items() if not isinstance(value, Tensor)]
        if odd:
            raise FeintError(
                f"{self.source.model} keeps {', '.join(odd)} in its state_dict; expected tensors "
                "alone. Leave get_extra_state away."
            )
        if any(value.is_meta for value in state.values()):
            raise FeintError(
                f"{self.source.model} has weights on meta, where there are none. Load them in the "
                "factory, or give `weights`."
            )
        return {STATE + name: value.detach().cpu() for name, value in state.items()}


def _built(found: Any, path: str, arguments: Mapping[str, Any]) -> nn.Module:
    """A module: what was imported, or what it makes."""
    if not isinstance(found, nn.Module):
        try:
            found = found(**arguments)
        except Exception as error:
            if isinstance(error, FeintError):
                raise
            raise FeintError(
                f"{path} fails when called with {dict(arguments)}: {type(error).__name__}: "
                f"{error}. Expected a factory or class that returns a torch.nn.Module. A function "
                "that is the model itself is returned by a factory."
            ) from error
    elif arguments:
        raise FeintError(f"{path} is a module already; expected no arguments for it.")
    if not isinstance(found, nn.Module):
        if not callable(found):
            raise FeintError(
                f"{path} made a {type(found).__name__}; expected a torch.nn.Module, or a function."
            )
        found = Function(found)
    return found


def _from_hub(found: Any, path: str, files: Mapping[str, bytes]) -> nn.Module:
    if not callable(getattr(found, "from_pretrained", None)):
        raise FeintError(
            f"{path} has no from_pretrained; expected a class with "
            'huggingface_hub.PyTorchModelHubMixin. For another, use kind = "import" with '
            "`arguments` and `weights`."
        )
    with tempfile.TemporaryDirectory() as folder:
        for name, content in files.items():
            (Path(folder) / name).write_bytes(content)
        try:
            model = found.from_pretrained(folder, local_files_only=True, strict=True)
        except Exception as error:
            raise FeintError(
                f"{path} does not load its folder: {type(error).__name__}: "
                f"{' '.join(str(error).split())[:500]}. Expected what its save_pretrained wrote."
            ) from error
    return _built(model, path, {})


def _exported(content: bytes, trust: bool) -> nn.Module:
    if not trust:
        raise FeintError(REFUSED)
    try:
        with warnings.catch_warnings():
            warnings.simplefilter("ignore")
            program = torch.export.load(io.BytesIO(content))
            return Exported(program)
    except Exception as error:
        raise FeintError(
            f"The .pt2 export cannot be read: {type(error).__name__}: "
            f"{' '.join(str(error).split())[:300]}. Expected a file of torch.export.save, by this "
            f"version of torch ({torch.__version__})."
        ) from error
