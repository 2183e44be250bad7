"""The judges: a study made from a run, a page to ask people, and kappa from what they answered."""
