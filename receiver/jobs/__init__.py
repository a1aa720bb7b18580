"""What is due: timers and messages, lane by lane, so that no lane delays another."""
