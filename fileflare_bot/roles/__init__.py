"""Roles for buyers: the rules, who may make them, and giving the roles."""
