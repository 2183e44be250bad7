"""Other libraries' attacks under feint's budget, distance and rows; each is imported when used.

An adapter is one file here and one line in `attacks/registry.py`.
"""
