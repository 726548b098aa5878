# The command line's unit tests; what it does to a hub is tests/e2e/cli*.test.js.
twinsim_test(test_cli_text unit LIBS twinsim_cli)
