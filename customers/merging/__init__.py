"""Two records of one person become one, with a preview before and a way back after."""
