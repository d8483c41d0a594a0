"""Providers of a cluster, one package or module each; each answers with a record of what its cluster can do."""
