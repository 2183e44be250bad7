"""Optional packages: a clear error, with the command to install them, where one is missing.

Call `need` before an import of a package that only an extra installs.
"""

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
"""Package -> the extra it is in; all others are in the extra `report`."""


def need(what: str, *modules: str) -> None:
    """Check that optional modules are installed.

    Args:
        what: what needs them, the subject of the message.
        modules: names of modules, all in `PACKAGES`.

    Raises:
        FeintError: one is not installed.
    """
    missing = [PACKAGES[name] for name in modules if importlib.util.find_spec(name) is None]
    if missing:
        extra = next((EXTRAS[name] for name in missing if name in EXTRAS), "report")
        raise FeintError(
            f"{what} needs {', '.join(missing)}, which is not installed. "
            f"Run: pip install 'feint[{extra}]'",
            code="missing-package",
        )
