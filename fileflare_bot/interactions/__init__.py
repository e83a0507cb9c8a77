"""Replies to interactions: in time, privately, once, and only for the right audience."""
