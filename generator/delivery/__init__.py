"""Rules brought to where they run: what differs, what would be done, and doing it."""
