"""Building a model that you bring from its `ModelSource`, and again from a run's folder.

A model by import path *is code*: reading an experiment that names one runs it.  A .pt2 export is
unpickled, which can run code too; it is read only with --trust.  What a run's folder names is built
only for an experiment that names it, too, or with --trust (`rebuild`).
"""

import io
import tempfile
import warnings
from collections.abc import Collection, Mapping
from pathlib import Path
from typing import Any

import safetensors
import safetensors.torch
import torch
from torch import Tensor, nn

from feint.errors import FeintError
from feint.models.external.import_path import hash_code, import_object
from feint.models.external.source import ModelSource
from feint.models.external.wrappers import CastModel, EOTModel, Exported, Function
from feint.models.inference import call_with_lengths

FILE, STATE = "file.", "state."
"""Prefixes of the tensors that a model is stored as: a file's bytes, or a weight."""
PICKLE_REFUSED = (
    "A .pt2 export is unpickled when it is read, and a pickle can run any code. Add --trust if you "
    "made the file or trust its author. Weights as safetensors and code by its import path need no "
    'pickle (kind = "import").'
)


class ExternalModel(nn.Module):
    """A model that you bring, with its source.

    Attributes:
        model: what answers.
        source: where it comes from; `settings` holds the same as JSON values.
    """

    def __init__(self, model: nn.Module, source: ModelSource, files: Mapping[str, bytes]) -> None:
        super().__init__()
        self.model, self.source, self.settings = model, source, source.to_dict()
        self._files = {} if source.kind == "import" else dict(files)

    def forward(self, x: Tensor, lengths: Tensor) -> Tensor:
        """The model's answer: (batch, time, outputs)."""
        return call_with_lengths(self.model, x, lengths)

    def to_tensors(self) -> dict[str, Tensor]:
        """Everything but code that `rebuild` needs.

        Raises:
            FeintError: its state is not tensors alone, or has weights on meta.
        """
        if self._files:
            return {FILE + name: bytes_to_tensor(content) for name, content in self._files.items()}
        state = self.state_dict()
        odd = [name for name, value in state.items() if not isinstance(value, Tensor)]
        if odd:
            raise FeintError(
                f"{self.source.model} keeps {', '.join(odd)} in its state_dict; expected tensors "
                "alone. Remove get_extra_state.",
                code="not-tensors",
            )
        if any(value.is_meta for value in state.values()):
            raise FeintError(
                f"{self.source.model} has weights on the meta device, which holds no numbers. Load "
                "them in the factory, or give `weights`.",
                code="wrong-device",
            )
        return {STATE + name: value.detach().cpu() for name, value in state.items()}


def load_source(source: ModelSource, files: Mapping[str, bytes], trust: bool) -> ExternalModel:
    """The model, in evaluation mode, on the CPU, with single-precision input and output.

    Args:
        source: of any kind but "saved".
        files: what `read_files` read.
        trust: unpickle an export.

    Raises:
        FeintError: it cannot be imported or built, or its files do not fit it.
    """
    with torch.random.fork_rng(devices=[]):
        torch.manual_seed(source.seed)
        model = _build(source, files, trust)
    model.eval()
    dtype = next((p.dtype for p in model.parameters() if p.is_floating_point()), torch.float32)
    if dtype != torch.float32:
        model = CastModel(model, dtype)
    if source.samples is not None:
        model = EOTModel(model, source.samples, source.seed)
    return ExternalModel(model, source, files)


def rebuild(
    source: ModelSource, tensors: Mapping[str, Tensor], trusted: Collection[str]
) -> ExternalModel:
    """The model again, from what `ExternalModel.to_tensors` returned.

    Args:
        trusted: digests of the sources whose code may be run.

    Raises:
        FeintError: its code is not trusted, or has changed since.
    """
    if source.digest not in trusted:
        raise FeintError(
            f"This model is not feint's own code ({source.model or 'a .pt2 export'}). It is run "
            "only for the experiment that names it, or with --trust.",
            code="not-trusted",
        )
    if source.model:
        import_object(source.model)
    if source.model and source.code_hash != hash_code(source.model):
        raise FeintError(
            f"The code of {source.model} changed since its answers were stored. Run the "
            "experiment again, or restore the code.",
            code="changed-code",
        )
    files = {
        name.removeprefix(FILE): bytes(tensor.numpy())
        for name, tensor in tensors.items()
        if name.startswith(FILE)
    }
    model = load_source(source, files, trust=True)
    state = {
        name.removeprefix(STATE): tensor
        for name, tensor in tensors.items()
        if name.startswith(STATE)
    }
    if state:
        model.load_state_dict(state)
    return model


def bytes_to_tensor(content: bytes) -> Tensor:
    """A file's bytes as a uint8 tensor."""
    return torch.frombuffer(bytearray(content), dtype=torch.uint8)


def _build(source: ModelSource, files: Mapping[str, bytes], trust: bool) -> nn.Module:
    if source.kind == "exported":
        return _from_export(files["model.pt2"], trust)
    found = import_object(source.model)
    if source.kind == "hub":
        return _from_hub(found, source.model, files)
    model = _to_module(found, source.model, source.arguments)
    for name, content in files.items():
        try:
            state = safetensors.torch.load(content)
            model.load_state_dict(state)
        except (safetensors.SafetensorError, RuntimeError, ValueError) as error:
            raise FeintError(
                f"{name} does not fit {source.model}: {_one_line(error, 500)}. Expected the "
                "state_dict of what the factory builds, saved by safetensors. Check its arguments.",
                code="wrong-weights",
            ) from error
    return model


def _to_module(found: Any, path: str, arguments: Mapping[str, Any]) -> nn.Module:
    """A module: what was imported, or what it returns when called with the arguments."""
    if not isinstance(found, nn.Module):
        try:
            found = found(**arguments)
        except Exception as error:
            if isinstance(error, FeintError):
                raise
            raise FeintError(
                f"{path} fails when called with {dict(arguments)}: {type(error).__name__}: "
                f"{error}. Expected a factory or class that returns a torch.nn.Module. A function "
                "that is the model itself must be returned by a factory.",
                code="factory-fails",
            ) from error
    elif arguments:
        raise FeintError(
            f"{path} is a module already; expected no arguments for it.", code="bad-setting"
        )
    if isinstance(found, nn.Module):
        return found
    if not callable(found):
        raise FeintError(
            f"{path} returned a {type(found).__name__}; expected a torch.nn.Module or a function.",
            code="not-a-module",
        )
    return Function(found)


def _from_hub(found: Any, path: str, files: Mapping[str, bytes]) -> nn.Module:
    if not callable(getattr(found, "from_pretrained", None)):
        raise FeintError(
            f"{path} has no from_pretrained; expected a class with "
            'huggingface_hub.PyTorchModelHubMixin. For another, use kind = "import" with '
            "`arguments` and `weights`.",
            code="not-on-hub",
        )
    with tempfile.TemporaryDirectory() as folder:
        for name, content in files.items():
            (Path(folder) / name).write_bytes(content)
        try:
            model = found.from_pretrained(folder, local_files_only=True, strict=True)
        except Exception as error:
            raise FeintError(
                f"{path} does not load its folder: {type(error).__name__}: "
                f"{_one_line(error, 500)}. Expected what its save_pretrained wrote.",
                code="wrong-weights",
            ) from error
    return _to_module(model, path, {})


def _from_export(content: bytes, trust: bool) -> nn.Module:
    if not trust:
        raise FeintError(PICKLE_REFUSED, code="not-trusted")
    try:
        with warnings.catch_warnings():
            warnings.simplefilter("ignore")
            return Exported(torch.export.load(io.BytesIO(content)))
    except Exception as error:
        raise FeintError(
            f"The .pt2 export cannot be read: {type(error).__name__}: {_one_line(error, 300)}. "
            "Expected a file of torch.export.save, by this version of torch "
            f"({torch.__version__}).",
            code="damaged-file",
        ) from error


def _one_line(error: Exception, characters: int) -> str:
    return " ".join(str(error).split())[:characters]
