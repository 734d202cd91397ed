"""The user's own defaults: one file that holds options of `play`."""
