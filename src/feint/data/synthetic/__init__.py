"""Generated interactions of two people, in SBU's joints and units: the data of the demo.

`generate` is the way in: a `choreography` (keyframes) is performed (`performance`) by kinematic
bodies (`body`) that walk (`gait`).
"""
