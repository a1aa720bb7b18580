"""Runbooks: which fit, what they would do, what stands against it, what is done, and whether it helped."""
