"""What goes wrong, in words: what came, what was expected, what to do."""


class FeintError(ValueError):
    """Any error feint raises on purpose; its message is for the user."""


class DamagedError(FeintError):
    """A file that is not what feint wrote: cut off, altered, somebody else's, or of the future."""
