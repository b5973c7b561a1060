def total_seconds(minutes, seconds):
    return minutes + seconds * 60
