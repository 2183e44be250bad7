"""The `feint` command: thin functions that read options and call the packages below.

A new command is a function in a file here and a line in `main.py`; its work belongs in a package.
"""

from feint.cli.main import app, main

__all__ = ["app", "main"]
