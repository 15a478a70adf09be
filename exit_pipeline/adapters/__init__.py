"""What implements the ports: one package per kind, one file per adapter."""
