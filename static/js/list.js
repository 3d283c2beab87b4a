/*
 * Lists by keyboard: table[data-list] with tr[data-href]. j / k move, Enter opens, x selects.
 * Selecting: input[data-select] in the rows, input[data-select-all] in the head,
 * [data-bulk] (the bulk bar) with [data-bulk-count] inside.
 */
(() => {
  "use strict";
  const table = () => document.querySelector("table[data-list]");
  const rows = () => [...(table()?.tBodies[0]?.rows || [])].filter((row) => row.dataset.href);
  const boxes = () => [...document.querySelectorAll("table[data-list] input[data-select]")];
  const cursor = () => rows().findIndex((row) => row.classList.contains("is-cursor"));

  function moveTo(index) {
    const all = rows();
    const row = all[Math.max(0, Math.min(index, all.length - 1))];
    if (!row) return;
    all.forEach((other) => other.classList.toggle("is-cursor", other === row));
    row.scrollIntoView({ block: "nearest" });
  }
  function count() {
    const chosen = boxes().filter((box) => box.checked).length;
    const bar = document.querySelector("[data-bulk]");
    if (bar) {
      if (chosen < boxes().length) whole(bar, false);
      bar.hidden = chosen === 0;
      const text = bar.querySelector("[data-bulk-count]");
      if (text) text.textContent = window.servaan.toScreen(String(chosen));
    }
    const all = document.querySelector("input[data-select-all]");
    if (all) {
      all.checked = chosen > 0 && chosen === boxes().length;
      all.indeterminate = chosen > 0 && !all.checked;
    }
  }
  /* the whole filtered list in place of the chosen rows */
  function whole(bar, on) {
    const show = (selector, is) => { const found = bar.querySelector(selector); if (found) found.hidden = !is; };
    bar.querySelector("[data-bulk-scope]").value = on ? "all" : "ids";
    show("[data-bulk-all]", on);
    show("[data-bulk-ids]", !on);
    show("[data-bulk-whole]", !on);
  }
  document.addEventListener("click", (event) => {
    const pressed = event.target.closest?.("[data-bulk-whole],[data-bulk-none]");
    if (!pressed) return;
    const on = pressed.matches("[data-bulk-whole]");
    boxes().forEach((box) => { box.checked = on; });
    count();
    if (on) whole(pressed.closest("[data-bulk]"), true);
  });
  /* what was searched for is remembered when it led somewhere: Enter, or a result opened */
  function remember() {
    const form = document.querySelector("form[data-remember]");
    const query = form?.search.value.trim();
    if (query) window.servaan.post(form.dataset.remember, new URLSearchParams({ query })).catch(() => {});
  }
  document.addEventListener("submit", (event) => { if (event.target.matches("form[data-remember]")) remember(); });
  document.addEventListener("keydown", (event) => { if (event.key === "Escape" && event.target.closest?.("form[data-remember]")) document.activeElement.blur(); });
  document.addEventListener("click", (event) => { if (event.target.closest("#customer-results tr[data-href] a")) remember(); }, true);
  /* the panel of more filters stays as it is while the list below changes */
  let panelIsOpen = false;
  document.addEventListener("toggle", (event) => { if (event.target.matches?.("[data-keep-open]") && event.target.isConnected) panelIsOpen = event.target.open; }, true);
  document.addEventListener("submit", (event) => { if (event.target.matches(".range-form")) panelIsOpen = false; }, true);
  document.addEventListener("htmx:afterSwap", () => { const panel = document.querySelector("[data-keep-open]"); if (panel) panel.open = panelIsOpen; });
  /* date fields that came with a swap: the picker reads ASCII digits */
  for (const [name, turn] of [["focusin", "toAscii"], ["focusout", "toScreen"]]) {
    document.addEventListener(name, (event) => {
      if (event.target.matches?.("#customer-results input[data-jdp]")) event.target.value = window.servaan[turn](window.servaan.toAscii(event.target.value));
    }, true);
  }
  /* a part that could not be loaded says so and tries again */
  document.addEventListener("htmx:afterRequest", (event) => {
    if (event.target.id !== "customer-figures") return;
    event.target.removeAttribute("aria-busy");
    const failed = !event.detail.successful;
    document.getElementById("figures-failed").hidden = !failed;
    event.target.hidden = failed;
  });
  document.addEventListener("click", (event) => {
    if (!event.target.closest?.("[data-retry-figures]")) return;
    const figures = document.getElementById("customer-figures");
    document.getElementById("figures-failed").hidden = true;
    figures.hidden = false;
    figures.setAttribute("aria-busy", "true");
    window.htmx.trigger(figures, "retry");
  });
  document.addEventListener("DOMContentLoaded", () => {
    const flash = document.querySelector("[data-flash]");
    if (!flash) return;
    window.servaan.toast({ text: flash.dataset.flash, level: "ok", undo: flash.dataset.flashUndo, seconds: 30 });
    flash.remove();
  });
  document.addEventListener("servaan:undone", () => window.location.reload());
  const open = (row, aside) => { remember(); if (aside) window.open(row.dataset.href, "_blank", "noopener"); else window.location.assign(row.dataset.href); };

  document.addEventListener("keydown", (event) => {
    if (event.ctrlKey || event.metaKey || event.altKey || event.target.matches("input:not([type=checkbox]),textarea,select,button,a,summary")) return;
    const row = rows()[cursor()];
    if (event.key === "j") moveTo(cursor() + 1);
    else if (event.key === "k") moveTo(cursor() < 0 ? 0 : cursor() - 1);
    else if (event.key === "Enter" && row) open(row, false);
    else if (event.key === "x" && row) {
      const box = row.querySelector("input[data-select]");
      if (!box) return;
      box.checked = !box.checked;
      count();
    } else return;
    event.preventDefault();
  });
  document.addEventListener("click", (event) => {
    const row = event.target.closest("table[data-list] tr[data-href]");
    if (!row || event.target.closest("a,button,input,label,summary") || String(window.getSelection())) return;
    open(row, event.ctrlKey || event.metaKey);
  });
  document.addEventListener("change", (event) => {
    if (event.target.matches("input[data-select-all]")) boxes().forEach((box) => { box.checked = event.target.checked; });
    if (event.target.matches("input[data-select-all],input[data-select]")) count();
  });
  document.addEventListener("htmx:afterSettle", count);
})();
