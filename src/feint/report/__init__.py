"""What people look at: figures and the HTML page, from a run's rows and tensors alone."""
