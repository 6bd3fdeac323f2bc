"""Experiments of many steps, the tables that compare them, and reports."""
