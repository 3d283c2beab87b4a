"""How much an import takes. A file beyond a limit is refused, never cut short in silence."""

MEGABYTE = 1024 * 1024
MAX_BYTES = 400 * MEGABYTE
# What an XLSX file may unpack to: a small one can hold gigabytes of zeros.
MAX_UNPACKED = 600 * MEGABYTE
MAX_MEMBERS = 2_000
# The texts of an XLSX file are held in memory while it is read.
MAX_SHARED_TEXTS = 150 * MEGABYTE
MAX_ROWS = 3_000_000
MAX_COLUMNS = 200
# Characters of one cell; a row with a longer one is rejected.
MAX_CELL = 10_000
# Characters of a cell kept for the report of rejects.
MAX_KEPT = 1_000
# Characters of one line of a text file.
MAX_LINE = 4 * MEGABYTE

STAGE_BATCH = 20_000
CHECK_CHUNK = 50_000
CHUNK = 5_000
# Seconds without a heartbeat after which another worker takes the job over.
STALE_SECONDS = 60
# Workers that may begin a step in vain before the import is given up, and the seconds before the second of them; each
# further wait is twice as long.
MAX_ATTEMPTS = 6
RETRY_SECONDS = 15
# Days after which an unused staging table goes; it is read again when needed.
KEEP_STAGED_DAYS = 1
# Days after which an upload and its rejected rows go: they hold what people told the café.
KEEP_FILES_DAYS = 30
