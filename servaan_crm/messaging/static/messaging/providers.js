/*
 * The page of a message provider.
 *   button[data-copy="id"]   puts the value of the field with that id on the clipboard; its data-done says so
 *   form[data-confirm]       asks before it is sent
 */
"use strict";

document.addEventListener("click", async (event) => {
  const button = event.target.closest("button[data-copy]");
  if (!button) return;
  const field = document.getElementById(button.dataset.copy);
  field.select();
  try {
    await navigator.clipboard.writeText(field.value);
  } catch {
    return; // the field is selected: the keyboard copies it
  }
  button.setAttribute("aria-label", button.dataset.done);
  button.classList.add("is-ok");
});

document.addEventListener("submit", (event) => {
  const question = event.target.dataset.confirm;
  if (question && !window.confirm(question)) event.preventDefault();
});
