"""What keeps a log healthy: retention, checkpoints, verification, backup."""
