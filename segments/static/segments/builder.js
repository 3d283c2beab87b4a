// The builder of segments: criteria as rows and groups. The textarea with JSON stays the truth that is sent; every
// change of a row writes it, every valid change of it draws the rows again.
(() => {
  "use strict";
  const form = document.querySelector(".builder-form");
  const area = document.getElementById("criteria");
  const root = document.getElementById("builder");
  if (!form || !area || !root) return;
  const data = JSON.parse(document.getElementById("builder-data").textContent);
  const words = data.words;
  const fields = new Map(data.fields.map((field) => [field.name, field]));
  const RANGE = ["min", "max", "eq", "not", "above", "below"];
  let tree = null;

  const el = (tag, attributes = {}, ...children) => {
    const node = document.createElement(tag);
    for (const [name, value] of Object.entries(attributes)) {
      if (name.startsWith("on")) node.addEventListener(name.slice(2), value);
      else if (value === true) node.setAttribute(name, "");
      else if (value !== false && value !== null && value !== undefined) node.setAttribute(name, value);
    }
    node.append(...children.filter((child) => child !== null && child !== undefined));
    return node;
  };
  const select = (choices, chosen, change, label) =>
    el("select", { class: "form-select", "aria-label": label, onchange: (event) => change(event.target.value) },
      ...choices.map(([value, text]) => el("option", { value, selected: String(value) === String(chosen) }, text)));
  const latin = (text) => text.replace(/[۰-۹]/g, (d) => "۰۱۲۳۴۵۶۷۸۹".indexOf(d)).replace(/[٠-٩]/g, (d) => "٠١٢٣٤٥٦٧٨٩".indexOf(d)).replace(/[,٬،]/g, "");
  const persian = document.documentElement.lang === "fa";
  const shown = (value) => (persian ? String(value ?? "").replace(/\d/g, (d) => "۰۱۲۳۴۵۶۷۸۹"[d]) : String(value ?? ""));
  const numberBox = (value, change, label) =>
    el("input", { class: "form-control num", type: "text", inputmode: "decimal", size: 6, dir: "ltr", "aria-label": label, value: shown(value),
      oninput: (event) => { const n = Number(latin(event.target.value)); if (event.target.value !== "" && Number.isFinite(n)) change(n); } });

  // --- tree and JSON ---------------------------------------------------------------------------------------------
  const read = (criteria) => {
    const items = [];
    for (const [name, value] of Object.entries(criteria)) {
      if (name === "all" || name === "any") {
        items.push({ kind: name, items: value.map((part) => { const inner = read(part); return inner.items.length === 1 ? inner.items[0] : inner; }) });
      } else if (name === "not") items.push({ kind: "not", items: read(value).items });
      else items.push({ field: name, value });
    }
    return items.length === 1 && items[0].items ? items[0] : { kind: "all", items };
  };
  const write = (node) => {
    if (node.field) return { [node.field]: node.value };
    const parts = node.items.map(write).filter((part) => Object.keys(part).length);
    if (node.kind === "not") return parts.length ? { not: parts.length === 1 ? parts[0] : { any: parts } } : {};
    if (!parts.length) return {};
    return parts.length === 1 ? parts[0] : { [node.kind]: parts };
  };
  let timer = 0;
  const changed = () => { area.value = JSON.stringify(write(tree), null, 1); soon(); };
  const soon = () => { clearTimeout(timer); timer = setTimeout(preview, 350); };
  let asked = 0;
  async function preview() {
    const mine = ++asked;
    const body = new FormData(form);
    body.set("criteria", area.value);
    try {
      const answer = await fetch(form.dataset.previewUrl, { method: "POST", body, headers: { "HX-Request": "true" } });
      const html = await answer.text();
      if (mine === asked && answer.ok) document.getElementById("builder-preview").innerHTML = html;
    } catch { /* offline: the last number stays */ }
  }

  // --- one condition ---------------------------------------------------------------------------------------------
  const scale = (field) => (field.unit === "money" ? data.money.scale : 1);
  const first = (field) => ({
    number: { min: 1 }, money: { min: 1000000 }, days: { max: 30 }, flag: true, occasion: 7, month: 1, text: { contains: "" },
    window: { within_days: 30, min: field.unit === "money" ? 1000000 : 2 }, date: { within_days: 30 },
    bought: { item: data.items[0] || "", within_days: 30 }, expiring: { within_days: 14 },
    choice: field.options && field.options.length ? [field.options[0][0]] : [], set: { any: field.options && field.options.length ? [field.options[0][0]] : [] },
  })[field.kind];
  const asRange = (value) => (typeof value === "object" && value !== null ? value : { eq: value });

  const range = (row, field, redraw, ops = ["min", "max", "between", "eq", "not"]) => {
    const value = asRange(row.value);
    const op = "min" in value && "max" in value ? "between" : RANGE.find((key) => key in value) || "min";
    const keep = Object.fromEntries(Object.entries(value).filter(([key]) => !RANGE.includes(key)));
    const by = scale(field);
    const set = (parts) => { row.value = { ...keep, ...parts }; changed(); };
    const start = value.min ?? value.max ?? value.eq ?? value.not ?? value.above ?? value.below ?? 1;
    const names = { min: words.min, max: words.max, between: words.between, eq: words.eq, not: words.not_eq, above: words.above, below: words.below };
    const parts = [select((ops.includes(op) ? ops : [...ops, op]).map((key) => [key, names[key]]), op, (next) => {
      set(next === "between" ? { min: start, max: start } : { [next]: start }); redraw();
    }, words.condition)];
    if (op === "between") parts.push(numberBox(value.min / by, (n) => { value.min = n * by; set({ min: value.min, max: value.max }); }, words.min), words.and,
      numberBox(value.max / by, (n) => { value.max = n * by; set({ min: value.min, max: value.max }); }, words.max));
    else {
      // A second bound, written as JSON, stays as it is.
      const others = Object.fromEntries(RANGE.filter((key) => key !== op && key in value).map((key) => [key, value[key]]));
      parts.push(numberBox(value[op] / by, (n) => set({ ...others, [op]: n * by }), names[op]));
      for (const [key, bound] of Object.entries(others)) parts.push(el("span", { class: "muted" }, `${words.and} ${names[key]} ${shown(bound / by)}`));
    }
    if (field.unit === "money") parts.push(el("span", { class: "muted" }, data.money.unit));
    if (field.unit === "days" && field.kind === "days") parts.push(el("span", { class: "muted" }, words.days));
    return el("span", { class: "b-part" }, ...parts);
  };
  const time = (row, redraw, { ever = true, known = false } = {}) => {
    const value = row.value;
    const op = "known" in value ? (value.known ? "known" : "unknown") : "within_days" in value ? "within" : "before_days" in value ? "before" : "from" in value || "to" in value ? "from_to" : "ever";
    const keep = Object.fromEntries(Object.entries(value).filter(([key]) => !["within_days", "before_days", "from", "to", "known"].includes(key)));
    const set = (parts) => { row.value = { ...keep, ...parts }; changed(); };
    const choices = [["within", words.within], ["before", words.before], ["from_to", words.from_to]];
    if (ever) choices.unshift(["ever", words.ever]);
    if (known) choices.push(["known", words.known], ["unknown", words.unknown]);
    const parts = [select(choices, op, (next) => {
      set({ ever: {}, within: { within_days: 30 }, before: { before_days: 30 }, from_to: { from: "" }, known: { known: true }, unknown: { known: false } }[next]); redraw();
    }, words.condition)];
    if (op === "within") parts.push(numberBox(value.within_days, (n) => set({ within_days: n }), words.days), words.days);
    if (op === "before") parts.push(numberBox(value.before_days, (n) => set({ before_days: n }), words.days), words.days);
    if (op === "from_to") for (const key of ["from", "to"]) parts.push(words[key], el("input", { class: "form-control num", dir: "ltr", size: 10, placeholder: words.date_hint, "aria-label": words[key], value: shown(value[key]),
      onchange: (event) => { const days = { from: value.from, to: value.to, [key]: latin(event.target.value.trim()).replace(/\//g, "-") }; value[key] = days[key]; set(Object.fromEntries(Object.entries(days).filter(([, day]) => day))); } }));
    return el("span", { class: "b-part" }, ...parts);
  };
  const many = (options, chosen, change) => el("span", { class: "b-options" }, ...options.map(([value, text]) =>
    el("label", {}, el("input", { type: "checkbox", class: "sr-only", checked: chosen.map(String).includes(String(value)), onchange: (event) => {
      change(event.target.checked ? [...chosen, value] : chosen.filter((one) => String(one) !== String(value)));
    } }), text)));
  const listed = (value) => (Array.isArray(value) ? value : value === undefined || value === "" ? [] : [value]);
  const typed = (row, key, label, known, redraw) => el("span", { class: "b-part" }, label, el("input", { class: "form-control", list: `b-${key}`, size: 14, "aria-label": label, value: listed(row.value[key]).join("، "),
    onchange: (event) => { const names = event.target.value.split(/[,،]/).map((name) => name.trim()).filter(Boolean); if (names.length) row.value[key] = names; else delete row.value[key]; changed(); } }));
  const extras = (row, redraw, named) => {
    const box = el("details", { class: "b-more", open: ["outlet", "visit_type", "payment", "weekday", ...(named ? [] : ["item", "category"])].some((key) => key in row.value) }, el("summary", {}, words.more));
    const chips = (key, options) => el("p", {}, many(options, listed(row.value[key]), (next) => { if (next.length) row.value[key] = key === "weekday" ? next.map(Number) : next; else delete row.value[key]; changed(); redraw(); }));
    if (!named) box.append(typed(row, "item", words.item, data.items), typed(row, "category", words.category, data.categories));
    if (data.outlets.length > 1) box.append(chips("outlet", data.outlets));
    box.append(chips("visit_type", fields.get("visit_type").options), chips("payment", fields.get("payment_method").options), chips("weekday", data.weekdays));
    return box;
  };

  const controls = (row, field, redraw) => {
    const set = (value) => { row.value = value; changed(); };
    switch (field.kind) {
      case "number": case "money": return [range(row, field, redraw)];
      case "days": if (typeof row.value !== "object") row.value = { max: row.value }; return [range(row, field, redraw, ["max", "min", "between"])];
      case "flag": return [select([["true", words.yes], ["false", words.no]], String(row.value), (next) => set(next === "true"), field.label)];
      case "occasion": { const days = typeof row.value === "object" ? row.value.within_days : row.value; return [el("span", { class: "b-part" }, words.within_next, numberBox(days, (n) => set(n), words.days), words.days)]; }
      case "month": return [many(field.options, listed(row.value), (next) => { set(next.length ? next.map(Number) : [1]); redraw(); })];
      case "choice": {
        const negated = typeof row.value === "object" && !Array.isArray(row.value) && "not_in" in row.value;
        const chosen = listed(negated ? row.value.not_in : row.value && row.value.in ? row.value.in : row.value);
        return [select([["in", words.in], ["not_in", words.not_in]], negated ? "not_in" : "in", (next) => { set(next === "in" ? chosen : { not_in: chosen }); redraw(); }, words.condition),
          many(field.options, chosen, (next) => { set(negated ? { not_in: next } : next); redraw(); })];
      }
      case "set": {
        const isMap = typeof row.value === "object" && !Array.isArray(row.value);
        const mode = isMap ? Object.keys(row.value)[0] : "any";
        const chosen = listed(isMap ? row.value[mode] : row.value);
        return [select([["any", words.has_any], ["all", words.has_all], ["none", words.has_none]], mode, (next) => { set({ [next]: chosen }); redraw(); }, words.condition),
          many(field.options || [], chosen, (next) => { set({ [mode]: next }); redraw(); })];
      }
      case "date": return [time(row, redraw, { ever: false, known: true })];
      case "text": {
        const part = typeof row.value === "object";
        const text = part ? row.value.contains : row.value;
        return [select([["contains", words.contains], ["is", words.is]], part ? "contains" : "is", (next) => { set(next === "is" ? text : { contains: text }); redraw(); }, words.condition),
          el("input", { class: "form-control", value: text ?? "", "aria-label": field.label, oninput: (event) => set(part ? { contains: event.target.value } : event.target.value) })];
      }
      case "window": {
        if (typeof row.value !== "object") row.value = { eq: row.value };
        return [time(row, redraw), range(row, field, redraw), field.filters ? extras(row, redraw, false) : null];
      }
      case "bought": {
        if (typeof row.value !== "object" || Array.isArray(row.value)) row.value = { item: listed(row.value) };
        const counted = RANGE.some((key) => key in row.value);
        const times = counted ? range(row, { ...field, unit: "" }, redraw) : el("button", { type: "button", class: "btn btn-quiet btn-sm", onclick: () => { row.value.min = 2; changed(); redraw(); } }, words.times);
        return [typed(row, "item", words.item), typed(row, "category", words.category), time(row, redraw), times, extras(row, redraw, true)];
      }
      case "expiring": return [el("span", { class: "b-part" }, words.within_next, numberBox(row.value.within_days, (n) => { row.value.within_days = n; changed(); }, words.days), words.days)];
      default: return [el("code", {}, JSON.stringify(row.value))];
    }
  };

  // --- drawing ---------------------------------------------------------------------------------------------------
  const fieldChoices = (chosen, change) => {
    const list = el("select", { class: "form-select", "aria-label": words.choose, onchange: (event) => change(event.target.value) });
    const groups = new Map();
    for (const field of data.fields) {
      if (!groups.has(field.group)) { groups.set(field.group, el("optgroup", { label: field.group })); list.append(groups.get(field.group)); }
      groups.get(field.group).append(el("option", { value: field.name, selected: field.name === chosen }, field.label));
    }
    return list;
  };
  const drawRow = (row, parent) => {
    const node = el("div", { class: "b-row" });
    const redraw = () => {
      const field = fields.get(row.field) || { name: row.field, label: row.field, kind: "raw" };
      node.replaceChildren(
        fieldChoices(row.field, (name) => { row.field = name; row.value = first(fields.get(name)); changed(); redraw(); }),
        ...controls(row, field, redraw).filter(Boolean),
        el("button", { type: "button", class: "btn btn-quiet btn-sm b-remove", "aria-label": `${words.remove}: ${field.label}`, onclick: () => { parent.items.splice(parent.items.indexOf(row), 1); changed(); draw(); } }, "×"),
      );
    };
    redraw();
    return node;
  };
  const drawGroup = (group, parent) => el("div", { class: "b-group", role: "group" },
    el("div", { class: "b-head" },
      select([["all", words.all], ["any", words.any], ["not", words.not]], group.kind, (kind) => { group.kind = kind; changed(); }, words.condition),
      parent ? el("button", { type: "button", class: "btn btn-quiet btn-sm b-remove", "aria-label": words.remove, onclick: () => { parent.items.splice(parent.items.indexOf(group), 1); changed(); draw(); } }, "×") : null),
    ...group.items.map((item) => (item.field ? drawRow(item, group) : drawGroup(item, group))),
    el("div", { class: "b-foot" },
      el("button", { type: "button", class: "btn btn-sm", onclick: () => { const field = data.fields[0]; group.items.push({ field: field.name, value: first(field) }); changed(); draw(); } }, `+ ${words.add_row}`),
      el("button", { type: "button", class: "btn btn-quiet btn-sm", onclick: () => { group.items.push({ kind: "any", items: [{ field: data.fields[0].name, value: first(data.fields[0]) }] }); changed(); draw(); } }, `+ ${words.add_group}`)));
  const draw = () => root.replaceChildren(drawGroup(tree, null));

  for (const [key, names] of [["item", data.items], ["category", data.categories]]) {
    document.body.append(el("datalist", { id: `b-${key}` }, ...names.map((name) => el("option", { value: name }))));
  }
  const take = () => {
    try { tree = read(JSON.parse(area.value)); draw(); } catch { if (!tree) { tree = { kind: "all", items: [] }; draw(); } }
    soon();
  };
  area.addEventListener("change", take);
  // A page that asks for more than conditions has other reasons to count again.
  form.addEventListener("builder:refresh", soon);
  for (const choice of form.querySelectorAll("input[name=kind]")) {
    choice.addEventListener("change", () => { document.getElementById("builder-card").hidden = choice.value === "static" && choice.checked; });
  }
  take();
})();
