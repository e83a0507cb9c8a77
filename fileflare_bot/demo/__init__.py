"""The bot in a browser, without a Discord account: a simulated Discord and a sample Fileflare, both on loopback."""
