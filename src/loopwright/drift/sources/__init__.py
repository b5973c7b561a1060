"""Where interactions come from: the record of a run, OpenTelemetry spans, LangGraph streams, plain data."""
