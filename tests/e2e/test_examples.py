"""Our own example repository runs: one app-of-apps brings up all of it, and deleting that takes all of it away."""

import shutil
