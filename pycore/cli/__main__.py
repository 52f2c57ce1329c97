"""``python -m pycore.cli``: the same as the ``pycore`` console script."""

from __future__ import annotations

from . import main

if __name__ == "__main__":
    main()
