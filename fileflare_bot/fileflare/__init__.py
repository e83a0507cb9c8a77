"""The client of Fileflare's API; knows no Discord."""
