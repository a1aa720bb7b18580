"""A backtest told: as text, JSON, a comment and a page."""
