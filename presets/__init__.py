"""presets: styles that a musician would name, one .toml each. The folder holds no code."""
