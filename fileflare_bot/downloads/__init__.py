"""The reply to /mydownloads: find the order, grant its roles, show its pages."""
