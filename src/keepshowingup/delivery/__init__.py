"""A letter that is due is claimed once, composed, and handed over once."""
