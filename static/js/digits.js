/*
 * Digits of any script are accepted in every number field; the screen shows them in its own script and the
 * form sends ASCII. Fields opt in by what they are:
 *   [data-money], [data-unit]   thousands grouped while typing (12,34,567 in India); sends plain digits
 *   [data-phone], type="tel"    grouped like a phone number of the café's country (body[data-region])
 *   [data-digits], inputmode="numeric|decimal|tel"   digits shown in the screen's script
 * [data-code] fields stay Latin. [data-keypad="#field"] is an on-screen keypad for a field:
 * buttons carry data-key="0".."9", "00", "000", "back" or "clear".
 */
(() => {
  "use strict";
  const PERSIAN = document.documentElement.lang.startsWith("fa");
  const ZEROS = [0x0660, 0x06f0, 0x0966, 0x09e6, 0xff10];
  const MARKS = /[\s,'_\u066c\u060c\u2019\u200b-\u200f\u202a-\u202e\u2066-\u2069-]/g;
  const REGION = document.body.dataset.region || "IR";
  const INDIC = !PERSIAN && ["IN", "BD", "PK", "NP", "LK"].includes(REGION);
  const MONEY = "[data-money],[data-unit]";
  const PHONE = "[data-phone],input[type=tel]";
  const FIELDS = "[data-money],[data-unit],[data-phone],[data-digits],[inputmode=numeric],[inputmode=decimal],[inputmode=tel],input[type=tel]";

  function toAscii(text) {
    return text.replace(/[\u0660-\u0669\u06f0-\u06f9\u0966-\u096f\u09e6-\u09ef\uff10-\uff19]/g, (c) => {
      const code = c.charCodeAt(0);
      const zero = ZEROS.find((z) => code >= z && code < z + 10);
      return String(code - zero);
    });
  }
  const toScreen = (text) => (PERSIAN ? text.replace(/[0-9]/g, (d) => String.fromCharCode(0x06f0 + Number(d))) : text);

  function groupMoney(digits) {
    const [whole, fraction] = digits.split(".");
    const comma = PERSIAN ? "\u066c" : ",";
    const head = INDIC && whole.length > 3
      ? whole.slice(0, -3).replace(/\B(?=(\d{2})+$)/g, comma) + comma + whole.slice(-3)
      : whole.replace(/\B(?=(\d{3})+$)/g, comma);
    return fraction === undefined ? head : head + (PERSIAN ? "\u066b" : ".") + fraction;
  }

  function groupPhone(text) {
    const plus = text.startsWith("+") ? "+" : "";
    const digits = text.replace(/[^0-9]/g, "");
    if (plus || digits.startsWith("00")) return plus + digits;
    const cuts = REGION !== "IR" ? [5] : digits.startsWith("0") ? [4, 7] : [3, 6];
    let shown = "";
    [...digits].forEach((d, n) => { shown += (cuts.includes(n) ? " " : "") + d; });
    return shown;
  }

  function clean(field, value) {
    let text = toAscii(value).replace(/\u066b/g, ".").replace(MARKS, "");
    if (field.matches(MONEY)) text = text.replace(/[^0-9.]/g, "").replace(/(\..*)\./g, "$1");
    if (field.matches(PHONE)) text = text.replace(/[^0-9+]/g, "").replace(/(?!^)\+/g, "");
    return text;
  }
  /** The field's value as the server wants it: ASCII, without grouping. */
  function plain(field) { return field.matches(FIELDS) ? clean(field, field.value) : field.value; }

  function shown(field, text) {
    if (field.matches(MONEY)) return toScreen(groupMoney(text));
    if (field.matches(PHONE)) return toScreen(groupPhone(text));
    return toScreen(text);
  }

  const counts = (c) => /[0-9+.\u066b\u06f0-\u06f9]/.test(c);
  function redraw(field) {
    if (field.hasAttribute("data-code") || field.type === "number" || field.type === "hidden") return;
    const grouped = field.matches(`${MONEY},${PHONE}`);
    const next = grouped ? shown(field, clean(field, field.value)) : toScreen(toAscii(field.value));
    if (next === field.value) return;
    // Keep the caret behind the same digit, however many group marks came or went before it.
    const active = document.activeElement === field;
    const before = active ? [...toScreen(toAscii(field.value.slice(0, field.selectionStart)))].filter(counts).length : 0;
    field.value = next;
    if (!active) return;
    let place = 0;
    for (let seen = 0; place < next.length && seen < before; place += 1) if (counts(next[place])) seen += 1;
    field.setSelectionRange(place, place);
  }
  /** Put a plain value into a field and tell everybody, as if it had been typed. */
  function put(field, text) {
    field.value = field.matches(`${MONEY},${PHONE}`) ? shown(field, clean(field, text)) : text;
    field.dispatchEvent(new Event("input", { bubbles: true }));
  }

  document.addEventListener("input", (event) => { if (event.target.matches?.(FIELDS)) redraw(event.target); }, true);
  document.addEventListener("formdata", (event) => {
    for (const field of event.target.elements) {
      if (field.name && field.matches(FIELDS) && event.formData.has(field.name)) event.formData.set(field.name, plain(field));
    }
  });
  document.addEventListener("htmx:configRequest", (event) => {
    const { elt, parameters } = event.detail;
    const fields = [elt, ...(elt.form || elt).querySelectorAll?.(FIELDS) ?? []];
    for (const field of fields) {
      if (field.name && field.matches?.(FIELDS) && parameters[field.name] !== undefined) parameters[field.name] = plain(field);
    }
  });

  document.addEventListener("pointerdown", (event) => {
    // The field keeps the focus (and the phone's own keyboard stays as it is).
    if (event.target.closest("[data-keypad] [data-key]")) event.preventDefault();
  });
  document.addEventListener("click", (event) => {
    const button = event.target.closest("[data-keypad] [data-key], [data-add-to]");
    if (!button) return;
    const target = button.dataset.addTo || button.closest("[data-keypad]").dataset.keypad;
    const field = document.querySelector(target);
    if (!field) return;
    const now = plain(field);
    if (button.dataset.addTo) put(field, String((Number(now) || 0) + Number(button.dataset.amount)));
    else if (button.dataset.key === "back") put(field, now.slice(0, -1));
    else if (button.dataset.key === "clear") put(field, "");
    else put(field, now + button.dataset.key);
  });

  const start = (root) => root.querySelectorAll?.(FIELDS).forEach((field) => {
    redraw(field);
    if (field.placeholder && !field.hasAttribute("data-code")) field.placeholder = toScreen(field.placeholder);
  });
  start(document);
  document.addEventListener("htmx:afterSettle", (event) => start(event.target));
  window.servaan = Object.assign(window.servaan || {}, { toAscii, toScreen, plain, put, groupMoney });
})();
