/*
 * Rewards, vouchers, stamp cards: comfort only, every page works without it.
 *   [data-kind="x"]      shown while the field "kind" says x
 *   form[data-confirm]   asks before it is sent
 *   [data-print]         prints the page
 */
(() => {
  "use strict";
  const kind = document.querySelector("select[name=kind]");
  const show = () => {
    for (const part of document.querySelectorAll("[data-kind]")) part.hidden = part.dataset.kind !== kind.value;
  };
  if (kind) {
    kind.addEventListener("change", show);
    show();
  }
  document.addEventListener("submit", (event) => {
    const question = event.target.dataset.confirm;
    if (question && !window.confirm(question)) event.preventDefault();
  }, true);
  document.addEventListener("click", (event) => {
    if (event.target.closest("[data-print]")) window.print();
  });
})();
