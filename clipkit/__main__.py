"""``python -m clipkit``."""

from __future__ import annotations

import sys

from clipkit.ui.cli import main

sys.exit(main())
