"""`python -m infra.automation`."""

from infra.automation.cli import main

if __name__ == "__main__":
    main()
