"""From answers to tolerances."""
