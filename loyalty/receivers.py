"""What a new café's club starts with."""
