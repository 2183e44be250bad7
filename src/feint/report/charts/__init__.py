"""Charts of rates and distances: each file describes one section of the page as a `Chart`.

`interactive.py` lists the sections, `static.py` draws them without JavaScript.
docs/adding-a-chart.md shows how to add one.
"""
