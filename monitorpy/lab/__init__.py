"""Embedded servers on loopback: what `monitorpy demo` looks at, and what tests of checks can use.

``lab.Lab`` starts all of them; each also stands alone as a context manager. Nothing here is made for real traffic.
"""
