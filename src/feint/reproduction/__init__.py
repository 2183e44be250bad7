"""The paper, run again on SBU: `feint reproduce`.

profiles.py says what is run, conduct.py runs it into one folder and leaves tables of rows,
measures.py makes numbers of rows, pictures.py figures and page.py the page.
"""
