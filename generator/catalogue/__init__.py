"""The catalogue: a browsable page of Markdown a pack, and an index."""
