"""The embedded model: its sizes, its data, its training and its scores."""
