"""The statements behind the search for duplicates.

``similarity`` is that of pg_trgm. The name's own part of the search key is its beginning, and never longer than the
name. ``code`` is the calling code of the café's country; numbers in free text are read as people write them.
"""

# How much each reason alone says, from 0 to 1; a similar name counts by its likeness.
_WEIGHT = """CASE reason WHEN 'email' THEN 0.8 WHEN 'note_phone' THEN 0.75 WHEN 'family_phone' THEN 0.35
             WHEN 'birthday_latin' THEN 0.85 ELSE 0.35 + 0.55 * likeness END"""
_NAME_KEY = "btrim(left(search_key, char_length(name)))"
_LATIN_KEY = "lower(btrim(name_english))"
_LIVE = "customers_customer WHERE deleted_at IS NULL"


def _plain(column: str) -> str:
    """Return ``column`` with ASCII digits and without the separators of numbers."""
    digits = f"translate({column}, '۰۱۲۳۴۵۶۷۸۹٠١٢٣٤٥٦٧٨٩', '01234567890123456789')"
    return f"regexp_replace({digits}, '[ ()/._-]', '', 'g')"


def _numbers(column: str, code: int) -> str:
    pattern = f"(?:[+]?(?:00)?{code}|0)?([1-9][0-9]{{9}})(?![0-9])"
    return f"'+{code}' || (regexp_matches({_plain(column)}, '{pattern}', 'g'))[1]"


def _written(code: int, notes: str = "", staff_notes: str = "") -> str:
    """Numbers in notes that are those of other guests; the arguments narrow each source."""
    return f"""
    SELECT holder, owner.id AS other, 'note_phone'::text AS reason, 0::real AS likeness
      FROM (SELECT id AS holder, {_numbers("notes", code)} AS phone FROM {_LIVE} AND notes <> '' {notes}
            UNION
            SELECT customer_id, {_numbers("text", code)} FROM customers_customernote
             WHERE text <> '' {staff_notes}) AS written
      JOIN customers_customer AS owner ON owner.phone = written.phone AND owner.deleted_at IS NULL"""


def _family(code: int, only: str = "") -> str:
    """Numbers of the family that are those of other guests."""
    return f"""
    SELECT member.customer_id AS holder, owner.id AS other, 'family_phone'::text AS reason, 0::real AS likeness
      FROM customers_familymember AS member
      JOIN customers_customer AS owner ON owner.deleted_at IS NULL AND owner.phone = CASE
           WHEN member.phone LIKE '+%%' THEN member.phone
           ELSE '+{code}' || right({_plain("member.phone")}, 10) END
     WHERE member.phone <> '' {only}"""


def steps(code: int) -> tuple[str, ...]:
    """Return the statements over all guests, one for each reason; their parameters are the limits.

    Each returns the likeliest pairs as (smaller id, larger id, reason, weight).
    """
    found = (_EMAIL, _written(code), _family(code), _BIRTHDAY_LATIN, _BIRTHDAY_NAME)
    return tuple(f"{_weighed(rows)} ORDER BY weight DESC, first, second LIMIT %(most)s" for rows in found)


_EMAIL = f"""
WITH mail AS (
    SELECT id, lower(email) AS key, count(*) OVER (PARTITION BY lower(email)) AS size
      FROM {_LIVE} AND email <> '')
SELECT a.id AS holder, b.id AS other, 'email'::text AS reason, 0::real AS likeness
  FROM mail AS a JOIN mail AS b ON a.key = b.key AND a.id < b.id
 WHERE a.size BETWEEN 2 AND %(email_owners)s AND b.size BETWEEN 2 AND %(email_owners)s"""
_BIRTHDAY_LATIN = f"""
WITH latin AS (
    SELECT id, birthday, {_LATIN_KEY} AS key, count(*) OVER (PARTITION BY birthday, {_LATIN_KEY}) AS size
      FROM {_LIVE} AND birthday IS NOT NULL AND name_english <> '')
SELECT a.id AS holder, b.id AS other, 'birthday_latin'::text AS reason, 0::real AS likeness
  FROM latin AS a JOIN latin AS b ON a.birthday = b.birthday AND a.key = b.key AND a.id < b.id
 WHERE a.size BETWEEN 2 AND %(block)s"""
_BIRTHDAY_NAME = f"""
WITH named AS (
    SELECT id, birthday, {_NAME_KEY} AS key FROM {_LIVE} AND birthday IS NOT NULL
), blocks AS (
    SELECT named.*, left(word, 3) AS block, count(*) OVER (PARTITION BY birthday, left(word, 3)) AS size
      FROM named, unnest(string_to_array(key, ' ')) AS word WHERE char_length(word) >= 2)
SELECT a.id AS holder, b.id AS other, 'birthday_name'::text AS reason, similarity(a.key, b.key) AS likeness
  FROM blocks AS a JOIN blocks AS b ON a.birthday = b.birthday AND a.block = b.block AND a.id < b.id
 WHERE a.size BETWEEN 2 AND %(block)s AND similarity(a.key, b.key) >= %(like)s"""


def one_guest(code: int) -> str:
    """Return the statement for the pairs with one guest; its parameters describe that guest.

    ``holders`` are the guests whose staff notes are read: those of everybody cannot be searched for a number quickly.
    """
    own = f"{_LIVE} AND id <> %(id)s AND birthday = %(birthday)s"
    notes = "AND (id = %(id)s OR search_key LIKE %(digits)s)"
    family = "AND (member.customer_id = %(id)s OR member.phone = %(phone)s)"
    found = f"""{_written(code, notes, "AND customer_id = ANY(%(holders)s)")}
    UNION ALL {_family(code, family)}
    UNION ALL
    SELECT %(id)s::uuid, id, 'email', 0 FROM {_LIVE} AND id <> %(id)s AND %(email)s <> '' AND email <> ''
       AND search_key LIKE %(email_key)s AND lower(email) = lower(%(email)s)
    UNION ALL
    (SELECT %(id)s::uuid, id, 'birthday_name', similarity({_NAME_KEY}, %(name_key)s) FROM {own}
        AND similarity({_NAME_KEY}, %(name_key)s) >= %(like)s LIMIT %(block)s)
    UNION ALL
    (SELECT %(id)s::uuid, id, 'birthday_latin', 0 FROM {own}
        AND %(latin)s <> '' AND {_LATIN_KEY} = lower(%(latin)s) LIMIT %(block)s)"""
    return _weighed(found, "AND %(id)s IN (holder, other)")


def _weighed(found: str, only: str = "") -> str:
    """Put the smaller id first, leave out who is gone and pairs found to be two, and weigh each reason.

    Dismissed pairs are stored with the smaller id first, too.
    """
    live = "SELECT 1 FROM customers_customer WHERE deleted_at IS NULL AND id ="
    return f"""
SELECT first, second, reason, weight
  FROM (SELECT least(holder, other) AS first, greatest(holder, other) AS second, reason,
               max({_WEIGHT})::float8 AS weight
          FROM ({found}) AS found WHERE holder <> other {only} GROUP BY 1, 2, 3) AS pairs
 WHERE EXISTS ({live} first) AND EXISTS ({live} second)
   AND NOT EXISTS (SELECT 1 FROM customers_duplicatedismissal AS seen
                    WHERE seen.first_id = first AND seen.second_id = second)"""
