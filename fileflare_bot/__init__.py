"""The download desk of Discord communities whose stores use Fileflare."""

__version__ = "0.1.0"
