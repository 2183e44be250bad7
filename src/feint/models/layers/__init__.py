"""Layers that several families share, written for cheap input gradients; and normalisation."""
