"""What judges are shown and asked: a study is made from a run, and lies in a folder.

`create.py` makes it, `schema.py` is its file, `trials.py` and `stimuli.py` its content.
"""
