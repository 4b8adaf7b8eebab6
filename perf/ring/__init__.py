"""What the ring's scenarios share: handlers, producers, graphs and how they are run."""
