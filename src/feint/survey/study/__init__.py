"""What judges are shown and asked: a study is made from a run, and lies in a folder."""
