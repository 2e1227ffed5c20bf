"""Submissions: folders of plain data that anybody can check without running, or trusting, the submitter's code."""
