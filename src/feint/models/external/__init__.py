"""Models that you bring: where they come from, how they are built, and wrappers for odd ones."""
