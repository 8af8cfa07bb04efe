"""A tokenizer's file into the vocabulary that the page reads."""
