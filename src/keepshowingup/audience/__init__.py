"""Readers: who they are, what they agreed to, and how they pause and leave."""
