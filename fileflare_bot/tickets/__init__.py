"""Tickets: filing, the moderators' work on them, cards, and delivery of answers."""
