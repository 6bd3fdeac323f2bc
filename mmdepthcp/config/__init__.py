"""Config files: reading, overriding and checking them."""
