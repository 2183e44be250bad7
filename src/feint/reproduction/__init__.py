"""The paper's experiments on SBU, run again: `feint reproduce`.

`profiles.py` has the settings and sizes, `parts/` runs each part and writes its table of results,
`metrics.py` computes rates from the tables, and `page/` writes docs/reproduction.md from them.
"""
