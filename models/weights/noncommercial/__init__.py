"""The weights `full-noncommercial` of tradefours. The package holds no code: tradefours looks for the files in its folder."""
