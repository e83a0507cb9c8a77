"""An order or an error → what a person reads. Pure, and within Discord's limits."""
