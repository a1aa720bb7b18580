"""Whether and when a series goes beyond a limit: paths that it may take from here, and what they meet on the way."""
