"""What an import is about to overwrite in guests who are in the book already, kept for its undoing."""

TEXTS = ("name", "name_english", "email", "gender", "notes", "address", "city", "postal_code")
DAYS = ("birthday", "anniversary")
CUSTOM = "custom."

_FIELDS = ", ".join(f"('{name}', to_jsonb(c.{name}), to_jsonb(s.{name}))" for name in (*TEXTS, *DAYS))


def note_before(known: str, chunk: str, differs: str) -> str:
    """Return the statement that keeps old and new value of everything the rows of a chunk change.

    To be run when the guests are locked and before they are written. c is the guest, s the row; a row that leaves a
    value empty changes nothing. The parameter ``job`` is the id of the import.

    Args:
        known, chunk, differs: SQL conditions: the row is of this guest, in this chunk, and says something new.
    """
    return f"""
INSERT INTO customers_importchange (job_id, customer_id, "values", tags)
SELECT %(job)s, c.id,
       (SELECT COALESCE(jsonb_object_agg(f.name, jsonb_build_array(f.old, f.new)), '{{{{}}}}')
          FROM (VALUES {_FIELDS},
                ('allow_marketing', to_jsonb(c.allow_marketing),
                 CASE WHEN s.allow_marketing IS FALSE THEN to_jsonb(false) END)
                UNION ALL
                SELECT '{CUSTOM}' || e.key, c.custom -> e.key, e.value FROM jsonb_each(s.custom) AS e
               ) AS f(name, old, new)
         WHERE f.new IS NOT NULL AND f.new IS DISTINCT FROM f.old),
       (SELECT COALESCE(jsonb_agg(w.name), '[]') FROM jsonb_array_elements_text(s.tags) AS w(name)
         WHERE NOT EXISTS (SELECT 1 FROM customers_customer_tags x JOIN customers_tag t ON t.id = x.tag_id
                            WHERE x.customer_id = c.id AND t.name = w.name))
  FROM customers_customer c JOIN {{table}} s ON {known}
 WHERE {chunk} AND c.id <> s.id AND ({differs})
    ON CONFLICT DO NOTHING
"""
