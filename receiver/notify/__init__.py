"""Channels: one module each, one line in `channels.py`. A channel sends one message and says how it went."""
