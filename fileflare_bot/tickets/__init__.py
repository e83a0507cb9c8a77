"""Help requests: filing, the moderators' work on them, cards, delivery of answers."""
