"""What a built site is made of, how it is written whole, and how it is served."""
