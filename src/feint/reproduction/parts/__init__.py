"""The parts of the reproduction: each function runs one and writes its tables to OUT/results.

A new part is a function here, a line in `run.PARTS` and a section in `page/`.
"""
