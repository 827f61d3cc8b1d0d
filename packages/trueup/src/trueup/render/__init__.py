"""What to run on which files, and what the output means: recipes and manifests.

Pure; :mod:`trueup.workers` runs the tools.
"""
