"""The `feint` command."""

from feint.cli.main import app, main

__all__ = ["app", "main"]
