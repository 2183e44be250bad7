"""SBU Kinect Interaction (Yun et al., CVPRW 2012): download, check, read and write the dataset."""
