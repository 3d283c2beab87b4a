"""What a new café's customer book starts with."""
