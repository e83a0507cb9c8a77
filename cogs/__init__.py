"""Discord glue, one module an audience: parse, call, present."""
