"""Models that the user brings."""
