"""The cases. A package only so that ``pytest --pyargs suites`` finds them once installed."""
