"""What people say of points: kept as they said it, and heard whenever the series is scored."""
