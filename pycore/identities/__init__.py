"""Who signs: public keys of every kind, X.509 certificates and their paths, and the collector of their signatures."""
