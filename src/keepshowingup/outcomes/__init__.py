"""Whatever comes back about a letter: returned mail, complaints, providers' events."""
