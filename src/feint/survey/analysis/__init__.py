"""From judges' answers to tolerances: which answers count, thresholds, agreement, warnings.

`estimate.py` is the way in; an estimator is a file of its own, without files or terminals in it.
"""
