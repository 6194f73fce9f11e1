"""Tables from tables."""
