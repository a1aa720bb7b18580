"""Who is on call, and when: rotations in layers, overrides and swaps, holidays, calendars in and out."""
