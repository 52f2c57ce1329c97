"""CometBFT."""
