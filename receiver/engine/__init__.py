"""The decisions: pure functions over plain data, in the order of `pipeline.py`. No network, no store, no clock."""
