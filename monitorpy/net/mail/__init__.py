"""Clients of the mail protocols, far enough to know that a server works."""
