"""The public API of docs: names, and how fast it imports."""

import subprocess
import sys
from importlib.metadata import version

import pytest

import feint


def test_every_public_name_is_there():
    for name in feint.__all__:
        assert getattr(feint, name) is not None
    assert set(feint.__all__) <= set(dir(feint))


def test_an_unknown_name_is_an_attribute_error():
    with pytest.raises(AttributeError, match="nothing_such"):
        feint.nothing_such  # noqa: B018


def test_version_is_the_package_version():
    assert version("feint") == feint.__version__


@pytest.mark.parametrize("what", ["import feint", "import feint.cli"])
def test_torch_is_not_imported_early(what):
    code = f"import sys; {what}; sys.exit('torch' in sys.modules or 'polars' in sys.modules)"
    assert subprocess.run([sys.executable, "-c", code], check=False).returncode == 0
