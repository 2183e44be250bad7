"""What drawing needs beyond feint's own dependencies."""

import importlib.util

from feint.errors import FeintError

PACKAGES = {
    "matplotlib": "matplotlib",
    "jinja2": "jinja2",
    "PIL": "pillow",
    "imageio_ffmpeg": "imageio-ffmpeg",
    "rerun": "rerun-sdk",
}
EXTRAS = {"imageio-ffmpeg": "video", "rerun-sdk": "view"}
"""Of packages that are large; the others are in `report`."""


def need(what: str, *modules: str) -> None:
    """Raise FeintError if a module that `what` needs is not installed."""
    missing = [PACKAGES[name] for name in modules if importlib.util.find_spec(name) is None]
    if missing:
        extra = next((EXTRAS[name] for name in missing if name in EXTRAS), "report")
        raise FeintError(
            f"{what} needs {', '.join(missing)}, which is not installed. "
            f"Expected: pip install 'feint[{extra}]'"
        )
