"""What a new café's customer book starts with, and whom the café may still write to."""

from customers import recipients  # noqa: F401  (registers the check)
