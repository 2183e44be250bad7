"""SBU Kinect Interaction."""
