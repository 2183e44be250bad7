"""Files, hashes, memory and progress: the ground that every other package may import.

Nothing here knows of sequences, models or experiments.
"""
