"""A believable café made of numbers: guests, visits and points that keep every rule of the product."""
