"""Drawn people: stills, animations and the paper's figures, for `feint figure` and `animate`."""
