"""The domain: orders, assets, references and findings; knows neither HTTP nor Discord."""
