"""The test suite; one sentence a test."""
