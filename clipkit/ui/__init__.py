"""Thin faces: the command line and the dashboard."""
