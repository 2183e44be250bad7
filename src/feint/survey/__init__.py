"""The study that asks people when an output counts as the target.

The study makes a set of trials from a finished run (`study`), serves them to judges (`server`),
stores the answers (`answers`) and estimates the tolerance from them (`analysis`).  No model runs
here.
"""
