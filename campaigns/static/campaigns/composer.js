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

  const who = document.querySelector(".builder-form");
  who?.addEventListener("change", (event) => {
    if (event.target.name === "segments") who.dispatchEvent(new CustomEvent("builder:refresh"));
  });
})();
