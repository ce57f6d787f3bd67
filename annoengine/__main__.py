"""``python -m annoengine``: the command line."""

from annoengine.cli import main

if __name__ == "__main__":
    main()
