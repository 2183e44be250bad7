"""`python -m feint.cli`."""

from feint.cli.main import main

if __name__ == "__main__":
    main()
