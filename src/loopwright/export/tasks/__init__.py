"""Tasks as the folders of other tools."""
