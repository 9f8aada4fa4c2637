"""What `hub verify` checks: each part of the database held against what it must agree with."""
