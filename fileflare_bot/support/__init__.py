"""Help requests on Discord's side: who may work on them, their cards and threads, and how answers arrive."""
