"""The reactors, one file each: plain nn.Modules from actor sequences to reactions."""
