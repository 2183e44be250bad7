"""Experiments: from a TOML file to a folder of results.

`config` is the file, `plan` and `stages` are its jobs, `tasks` what each job does, `run` does them
in order.  `status`, `verification` and `diff` read a folder that is there.
"""
