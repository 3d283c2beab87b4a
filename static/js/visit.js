/*
 * The page of one visit. Correcting: quantities by buttons, dishes of the menu by chips; changed items set the
 * bill amount. After "undo" in a toast the page shows the new state.
 */
(() => {
  "use strict";
  document.addEventListener("servaan:undone", () => window.location.reload());
  const form = document.querySelector("[data-visit-edit]");
  if (!form) return;
  const { plain, put, toScreen } = window.servaan;
  const field = form.querySelector("[name=added]");
  const total = form.querySelector("[name=total_amount]");
  const rows = [...form.querySelectorAll("[data-line-row]")];
  const chips = [...form.querySelectorAll("[data-add]")];
  const input = (row) => row.querySelector("input");
  const count = (row) => Number(plain(input(row))) || 0;
  const added = () => JSON.parse(field.value || "{}");

  function sum() {
    const lines = added();
    const kept = rows.reduce((all, row) => all + count(row) * Number(row.dataset.price), 0);
    const fresh = chips.reduce((all, chip) => all + (lines[chip.dataset.add] || 0) * Number(chip.dataset.price), 0);
    put(total, String(kept + fresh));
    form.setAttribute("data-changed", "");
  }
  function mark(row) { row.classList.toggle("is-gone", count(row) === 0); }
  function step(row, by) {
    input(row).value = toScreen(String(Math.max(0, count(row) + by)));
    mark(row);
    sum();
  }
  function show(chip) {
    const number = added()[chip.dataset.add] || 0;
    const badge = chip.querySelector(".chip-count");
    badge.hidden = !number;
    badge.textContent = toScreen(String(number));
    chip.classList.toggle("is-on", number > 0);
  }
  function add(chip, by) {
    const own = rows.find((row) => input(row).dataset.line === chip.dataset.add);
    if (own) { step(own, by); return; }
    const lines = added();
    const number = Math.max(0, (lines[chip.dataset.add] || 0) + by);
    if (number) lines[chip.dataset.add] = number;
    else delete lines[chip.dataset.add];
    field.value = JSON.stringify(lines);
    show(chip);
    sum();
  }

  form.addEventListener("click", (event) => {
    const button = event.target.closest("[data-step]");
    if (button) step(button.closest("[data-line-row]"), Number(button.dataset.step));
    const chip = event.target.closest("[data-add]");
    if (chip) add(chip, event.shiftKey ? -1 : 1);
  });
  rows.forEach((row) => input(row).addEventListener("input", () => { mark(row); sum(); }));
  chips.forEach(show);
})();
