"""What the command-line tools have in common."""
