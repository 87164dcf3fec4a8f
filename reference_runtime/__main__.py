"""`python3 -IS -m reference_runtime`: the same as the launcher that install.py writes."""

from reference_runtime import cli

cli.main()
