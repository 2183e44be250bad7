"""Data: recordings of people and tables of columns, from files or generated, as `Pairs`.

`load.load_data` is the way in for experiments; `formats/` holds the readers, one file each;
`sbu/` and `synthetic/` are the two sources that need no configuration.  Nothing here knows models.
"""
