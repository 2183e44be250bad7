"""Models: the families that feint trains, models that you bring, training, storage, model checks.

A family is one file here and one line in `registry.py`.  Models are plain nn.Modules from (batch,
time, inputs) to (batch, time, outputs); nothing here knows of attacks.
"""
