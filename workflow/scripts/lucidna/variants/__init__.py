"""What single variants do to the predictions of the chosen networks."""
