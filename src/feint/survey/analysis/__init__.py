"""From judges' answers to tolerances: which answers count, thresholds, agreement, warnings."""
