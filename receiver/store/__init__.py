"""What is kept: inbox, occurrences, incidents with their events, jobs. SQLAlchemy Core over SQLite."""
