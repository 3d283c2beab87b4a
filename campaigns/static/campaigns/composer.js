/*
 * The composer: variables and ready texts go into the text, guests of the preview take turns, and a change of the
 * chosen segments asks for the funnel again. Without script every step is a plain form.
 */
(() => {
  "use strict";
  const tell = (field) => field.dispatchEvent(new Event("input", { bubbles: true }));

  function insert(area, text) {
    const start = area.selectionStart ?? area.value.length;
    const before = area.value.slice(0, start);
    const gap = before && !/\s$/.test(before) ? " " : "";
    area.setRangeText(gap + text, start, area.selectionEnd ?? start, "end");
    area.focus();
    tell(area);
  }
  document.addEventListener("click", (event) => {
    const chip = event.target.closest("[data-insert]");
    if (chip) insert(document.getElementById(chip.closest("[data-insert-into]").dataset.insertInto), chip.dataset.insert);

    const ready = event.target.closest("[name=use_template]");
    if (ready) {
      event.preventDefault();
      const form = ready.form;
      form.elements.content.value = ready.dataset.text;
      if (ready.dataset.subject && form.elements.subject) form.elements.subject.value = ready.dataset.subject;
      const channel = form.querySelector(`input[name=type][value="${ready.dataset.channel}"]`);
      if (channel) channel.checked = true;
      ready.closest("details").open = false;
      form.elements.content.focus();
      tell(form.elements.content);
    }

    const turn = event.target.closest("[data-turn]");
    if (turn) {
      const box = turn.closest("[data-samples]");
      const samples = [...box.querySelectorAll("[data-sample]")];
      const now = samples.findIndex((sample) => !sample.hidden);
      const next = (now + Number(turn.dataset.turn) + samples.length) % samples.length;
      samples.forEach((sample, place) => { sample.hidden = place !== next; });
      place = next;
    }
  });
  /* the guest one looked at stays while the text changes */
  let place = 0;
  document.addEventListener("htmx:afterSwap", (event) => {
    const samples = [...event.target.querySelectorAll("[data-sample]")];
    if (samples.length && place < samples.length) samples.forEach((sample, n) => { sample.hidden = n !== place; });
  });

  /* the direction follows the words, not the Latin names of variables */
  document.addEventListener("input", (event) => {
    const area = event.target.closest?.("[data-text-dir]");
    if (!area) return;
    const plain = area.value.replace(/\{\{[^{}]*\}\}/g, "");
    if (/\p{L}/u.test(plain)) area.dir = /[\u0590-\u08ff]/.test(plain) ? "rtl" : "ltr";
  });

  /* on a phone the side is far below, so the bar at the foot says how many get it */
  const side = document.querySelector(".composer-side");
  const foot = document.querySelector("[data-foot-count]");
  if (side && foot) {
    const copy = () => { foot.textContent = [...(side.querySelector("[data-recipients]")?.children ?? [])].map((part) => part.textContent.trim()).join(" ") || side.querySelector("[data-recipients]")?.textContent.trim() || ""; };
    new MutationObserver(copy).observe(side, { childList: true, subtree: true });
    copy();
  }

  const who = document.querySelector(".builder-form");
  who?.addEventListener("change", (event) => {
    if (event.target.name === "segments") who.dispatchEvent(new CustomEvent("builder:refresh"));
  });
})();
