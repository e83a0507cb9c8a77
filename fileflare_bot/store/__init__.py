"""What store owners set up: the panel, the settings, their file, the welcome."""
