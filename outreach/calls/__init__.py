"""Calls that somebody should make: how they come about, how they end, and who sees them."""
