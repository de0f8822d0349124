"""What the two databases do differently, in one place."""
