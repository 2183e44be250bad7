"""Layers that several families share, written for cheap input gradients; and normalisation.

Attribute names are part of stored weights: rename classes freely, attributes never.
"""
