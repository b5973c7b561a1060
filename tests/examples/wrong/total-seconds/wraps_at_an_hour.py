def total_seconds(minutes, seconds):
    return (minutes * 60 + seconds) % 3600
