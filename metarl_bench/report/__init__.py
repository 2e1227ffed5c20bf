"""Leaderboards as tables (terminal, Markdown, CSV, LaTeX) and figures (PNG, PDF)."""
