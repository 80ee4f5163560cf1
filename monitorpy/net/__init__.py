"""How bytes move: deadlines, names, connections, TLS, dialogues, HTTP. Knows nothing of checks."""
