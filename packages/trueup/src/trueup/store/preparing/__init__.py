"""What is read of a repository before anything is rendered: recipes, inputs, what was lost since the last sync.

A repository is a stranger's. Walking its trees and reading its files is done in a limited child
(:class:`Preparer`); in this process alone where there is no repository but a folder of whoever runs a command
(:class:`trueup.workers.preparing.Inline`).
"""

from trueup.store.preparing.preparer import Preparer

__all__ = ["Preparer"]
