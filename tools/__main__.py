"""`python -m tools` is the `trueque` command."""

from tools.cli import main

main()
