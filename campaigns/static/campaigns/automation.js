// The editor of automations: the options of the chosen trigger alone are shown, and a chip puts its word into the text.
(() => {
  "use strict";
  const form = document.querySelector(".auto-form");
  if (!form) return;
  const trigger = form.elements.trigger;
  const show = () => {
    for (const box of form.querySelectorAll("[data-for]")) box.hidden = box.dataset.for !== trigger.value;
  };
  trigger.addEventListener("change", show);
  show();
  // The direction follows the words, not the Latin names of variables.
  form.elements.template.addEventListener("input", (event) => {
    const plain = event.target.value.replace(/\{\{[^{}]*\}\}/g, "");
    if (/\p{L}/u.test(plain)) event.target.dir = /[\u0590-\u08ff]/.test(plain) ? "rtl" : "ltr";
  });
  form.addEventListener("click", (event) => {
    const chip = event.target.closest("[data-insert]");
    if (!chip) return;
    const area = document.getElementById(chip.closest("[data-insert-into]").dataset.insertInto);
    const start = area.selectionStart ?? area.value.length;
    const gap = start && !/\s$/.test(area.value.slice(0, start)) ? " " : "";
    area.setRangeText(gap + chip.dataset.insert, start, area.selectionEnd ?? start, "end");
    area.focus();
    area.dispatchEvent(new Event("input", { bubbles: true }));
  });
})();
