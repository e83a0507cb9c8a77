"""One cog for each command group: it parses the input, calls a feature, and presents the result."""
