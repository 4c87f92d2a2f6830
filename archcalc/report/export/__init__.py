"""Networks as files of other programs: each writes what that program can read, and names what it cannot."""
