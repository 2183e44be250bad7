"""The one error a user sees: what came, what was expected, what to do."""


class FeintError(ValueError):
    """Bad input, found at the boundary: what came, what was expected, what to do."""
