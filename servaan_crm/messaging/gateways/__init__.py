"""Adapters to message providers: one module per provider, all speaking ``base.Gateway``."""
