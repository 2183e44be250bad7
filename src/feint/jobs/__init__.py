"""Jobs: pieces of work with a content hash, their store, scheduler, lock and engines.

Nothing in this package knows of sequences, models or attacks: it does bytes of results for keys.
`job` says what a job is, `store` keeps results, `scheduler` does what is missing, `engines` says
where.
"""
