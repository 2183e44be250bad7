"""An experiment file, its plan, its run."""
