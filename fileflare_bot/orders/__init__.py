"""The domain: orders, their assets, and what points to them; knows neither HTTP nor Discord."""
