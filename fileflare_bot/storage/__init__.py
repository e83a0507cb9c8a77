"""What survives a restart: guild settings, tickets, claims and saved orders, on SQLite or PostgreSQL."""
