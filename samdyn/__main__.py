"""``python -m samdyn`` is the command ``samdyn``."""

from .commands import main

if __name__ == "__main__":
    main()
