"""From attacks to rows of distances, and from rows to success rates.

`crafting` runs attacks, `scoring` measures what victims answer, `success_rates` decides and counts;
`tolerance` says how near is near enough, `model_checks` and `result_checks` warn.  Nothing here
knows of jobs or experiments.
"""
