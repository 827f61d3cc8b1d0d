"""How Kubernetes reads, writes and merges: its notations with the meaning that Go gives them, and its ways of merging.

Pure: no input or output, no clock, and not a word of who uses it.
"""
