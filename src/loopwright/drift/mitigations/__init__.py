"""What is done about drift: consolidation of memory, routing to stable agents, anchoring by examples.

The decisions stand here once; sessions and the simulated team act on the same objects. Defaults of the options stand
in `loopwright.task`.
"""
