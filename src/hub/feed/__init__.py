"""The log, live: one tail for all, and a follower for each reader."""
