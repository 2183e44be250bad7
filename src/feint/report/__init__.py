"""What people look at: the HTML page, figures and tables, from a run's folder alone.

`run_data.py` reads the folder, `page.py` and `series_page.py` write pages, `charts/`, `cases/` and
`figures/` draw, `terminal.py` prints.  No model runs here, and nothing is computed that
`feint.evaluation` computes.
"""
