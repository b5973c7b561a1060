"""The twelve channels: what each measures, what is usual in a baseline, and the score of an interaction."""
