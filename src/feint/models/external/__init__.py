"""Models that you bring: where they come from, how they are built, and wrappers for odd ones.

`source.py` is the description, `loading.py` builds the model, `wrappers.py` adapts what is not a
plain `nn.Module`.  A new origin of models belongs here.
"""
