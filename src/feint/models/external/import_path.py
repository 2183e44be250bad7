"""Import paths and files of the models that you bring, and hashes of both.

Needs no torch, so that a configuration is checked before torch is imported.
"""

import hashlib
import importlib
import sys
from collections.abc import Mapping
from pathlib import Path
from typing import Any, Literal

from feint.errors import FeintError

Kind = Literal["import", "saved", "hub", "exported"]
"""How a model is brought; docs/your-model.md has a table."""


def read_files(kind: Kind, path: Path | None) -> dict[str, bytes]:
    """The contents of a model's files, by the names under which they are stored.

    Raises:
        FeintError: one is missing or cannot be read.
    """
    if path is None:
        return {}
    if kind == "hub":
        names = {name: path / name for name in ("config.json", "model.safetensors")}
    elif kind == "saved":
        names = {f"model{s}": path.with_name(path.name + s) for s in (".json", ".safetensors")}
    else:
        names = {"model.pt2" if kind == "exported" else path.name: path}
    try:
        return {name: place.read_bytes() for name, place in names.items()}
    except OSError as error:
        raise FeintError(
            f"Could not read the model {path}: {error}. Expected "
            + {
                "hub": "a folder with config.json and model.safetensors, as save_pretrained writes",
                "saved": "the path of a saved feint model without its suffix, such as models/tcn",
                "exported": "a file of torch.export.save",
                "import": "a safetensors file",
            }[kind]
            + ".",
            code="unreadable-file",
        ) from error


def hash_files(files: Mapping[str, bytes]) -> str:
    """sha256 of the files' names and contents; "" if there are none."""
    if not files:
        return ""
    found = hashlib.sha256()
    for name, content in sorted(files.items()):
        found.update(f"{name}\0{len(content)}\0".encode() + content)
    return found.hexdigest()


def hash_code(path: str) -> str:
    """sha256 of the file that an import path names; what that file imports is not followed."""
    file = getattr(sys.modules.get(module_name(path)), "__file__", None)
    return "" if file is None else hashlib.sha256(Path(file).read_bytes()).hexdigest()


def import_object(path: str) -> Any:
    """Import what a path names.  Runs the module's code; the current folder is searched, too.

    Raises:
        FeintError: the module cannot be imported, or has no such name.
    """
    module, name = module_name(path), path.partition(":")[2]
    here = str(Path.cwd())
    if here not in sys.path:
        sys.path.insert(0, here)
    try:
        found: Any = importlib.import_module(module)
    except Exception as error:
        raise FeintError(
            f"Could not import {module} for the model {path!r}: {type(error).__name__}: {error}. "
            "Run feint in the module's folder, or install its package.",
            code="import-fails",
        ) from error
    for part in name.split("."):
        if not hasattr(found, part):
            raise FeintError(
                f"{module} has no {name!r}, which the model {path!r} names; expected a factory, a "
                "class or a module.",
                code="import-fails",
            )
        found = getattr(found, part)
    return found


def module_name(path: str) -> str:
    """The module of an import path.

    Raises:
        FeintError: the text is not an import path.
    """
    module, colon, name = path.partition(":")
    if not (colon and name and all(part.isidentifier() for part in module.split("."))):
        raise FeintError(
            f"The model {path!r} is not an import path; expected package.module:factory, for "
            "example examples.your_model:build.",
            code="bad-import-path",
        )
    return module
