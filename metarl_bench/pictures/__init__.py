"""Pictures of worlds: films of trials, and contact sheets of task lists."""
