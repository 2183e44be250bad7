"""Single attacked sequences, to look at."""
