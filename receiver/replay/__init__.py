"""A recorded storm played again: the same engine, without a store and without HTTP, on a clock that jumps."""
