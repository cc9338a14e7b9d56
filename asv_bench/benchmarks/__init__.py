"""What corrfast costs, commit by commit: see README.md in the folder above."""
