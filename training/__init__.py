"""Scripts that train the models which the project carries."""
