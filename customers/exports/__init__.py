"""The customer list as a file, streamed: memory and the first byte do not depend on how many guests there are."""
