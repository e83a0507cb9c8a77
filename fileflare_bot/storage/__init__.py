"""What survives a restart: servers' settings and help requests, on SQLite or PostgreSQL."""
