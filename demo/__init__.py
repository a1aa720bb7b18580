"""The whole loop on one machine: a small shop, its fault, and the real servers that see it through to a person."""
