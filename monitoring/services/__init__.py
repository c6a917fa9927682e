"""Verbs of monitoring, by what they are about: definitions, runs, explanations and reports."""
