"""When each reader gets the next letter, and why then."""
