"""``make bench``: our figures over the same work by hand, on the same data and the same machine."""
