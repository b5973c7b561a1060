"""What is done about drift: consolidation of memory, routing to stable agents, anchoring by examples."""
