"""Words for the report's numbers."""


def listed(words: list[str], last: str = "and") -> str:
    """`a, b and c`."""
    *before, end = words
    return f"{', '.join(before)} {last} {end}" if before else end
