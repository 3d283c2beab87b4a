"""The platform runner: starts, tests and checks Servaan on one machine.

Nothing in this package imports Django when it is imported, so that it can run before the project is configured.
"""
