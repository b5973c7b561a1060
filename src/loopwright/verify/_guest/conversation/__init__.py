"""The conversation between test code and candidate: values, objects by handle, and what each side lets the other do."""
