"""The API: sequences, subscribers and deliveries for programs."""
