"""The parts of the reproduction: each function runs one and writes its tables to OUT/results."""
