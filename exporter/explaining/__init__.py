"""Why a point scored as it did, in figures and in words."""
