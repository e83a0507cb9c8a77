"""What store owners set up: the panel, the settings and their file, the setup checks, the welcome."""
