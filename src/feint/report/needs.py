"""What drawing needs beyond feint's own dependencies."""

import importlib.util

from feint.errors import FeintError

PACKAGES = {
    "matplotlib": "matplotlib",
    "jinja2": "jinja2",
    "PIL": "pillow",
    "imageio_ffmpeg": "imageio-ffmpeg",
}
"""Module to package; all are in the extra `report`."""


def need(what: str, *modules: str) -> None:
    """Raise FeintError if a module that `what` needs is not installed."""
    missing = [PACKAGES[name] for name in modules if importlib.util.find_spec(name) is None]
    if missing:
        raise FeintError(
            f"{what} needs {', '.join(missing)}, which is not installed. "
            "Expected: pip install 'feint[report]'"
        )
