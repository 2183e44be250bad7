"""What judges see."""
