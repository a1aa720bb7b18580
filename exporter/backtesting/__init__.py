"""What the model would have reported over stored history, as a report that a person reads."""
