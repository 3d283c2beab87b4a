/*
 * The counter by keyboard: arrows choose a match, Enter takes it, Escape starts again; the bill's items add
 * up to the amount; the receipt's undo button leaves after a minute. The server renders every part.
 */
(() => {
  "use strict";
  const phone = document.getElementById("phone");
  const matches = document.getElementById("matches");
  const work = document.getElementById("work");
  const { plain, put, toScreen } = window.servaan;
  const grid = document.querySelector("[data-counter]");
  const idle = work.innerHTML;
  const recent = matches.innerHTML;
  let ticking = 0;

  const options = () => [...matches.querySelectorAll("[data-match]")];
  const chosen = () => options().find((option) => option.getAttribute("aria-selected") === "true") || options()[0];
  function choose(option) {
    options().forEach((other) => other.setAttribute("aria-selected", String(other === option)));
    option.scrollIntoView({ block: "nearest" });
  }

  function restart() {
    clearInterval(ticking);
    put(phone, "");
    matches.innerHTML = recent;
    work.innerHTML = idle;
    window.htmx.process(matches);
    grid.classList.remove("has-guest");
    phone.focus();
  }

  let pending = false;
  phone.addEventListener("keydown", (event) => {
    const list = options();
    if (event.key === "Enter") {
      event.preventDefault();
      if (phone.dataset.loading !== undefined) pending = true;
      else chosen()?.click();
    } else if ((event.key === "ArrowDown" || event.key === "ArrowUp") && list.length) {
      event.preventDefault();
      const step = event.key === "ArrowDown" ? 1 : -1;
      choose(list[(list.indexOf(chosen()) + step + list.length) % list.length]);
    }
  });
  // Enter typed before the answer to the last digit arrived waits for it.
  phone.addEventListener("input", () => { phone.dataset.loading = ""; });
  document.addEventListener("htmx:afterSettle", (event) => {
    if (event.target !== matches) return;
    delete phone.dataset.loading;
    if (pending) { pending = false; chosen()?.click(); }
  });
  document.addEventListener("htmx:sendError", () => { delete phone.dataset.loading; pending = false; });

  document.addEventListener("keydown", (event) => {
    if (event.key === "Escape" && !event.target.closest("[data-search], details[data-menu]")) restart();
  });
  document.addEventListener("click", (event) => {
    if (event.target.closest("[data-next]")) restart();
    const item = event.target.closest("[data-item]");
    if (item) add(item, event.shiftKey ? -1 : 1);
    const offer = event.target.closest("[data-voucher], [data-reward], [data-tier-percent]");
    if (offer) take(offer);
  });

  /* What is taken off: codes typed or scanned, the guest's vouchers, one reward, the tier's discount. */
  const changed = (field) => field.dispatchEvent(new Event("input", { bubbles: true }));
  function press(button, on) {
    button.classList.toggle("is-on", on);
    button.setAttribute("aria-pressed", String(on));
  }
  function take(button) {
    const on = button.getAttribute("aria-pressed") !== "true";
    if (button.dataset.voucher) {
      const field = work.querySelector("[data-codes]");
      const others = field.value.split(/\s+/).filter((word) => word && word !== button.dataset.voucher);
      field.value = [...others, ...(on ? [button.dataset.voucher] : [])].join(" ");
      changed(field);
    } else if (button.dataset.reward) {
      work.querySelectorAll("[data-reward]").forEach((other) => press(other, false));
      const field = work.querySelector("[data-reward-field]");
      field.value = on ? button.dataset.reward : "";
      changed(field);
    }
    press(button, on);
    if (button.dataset.tierPercent) percentOff(button, !on);
  }
  /* A tenth of a toman is nothing to give back: the discount is rounded to the screen's whole unit. */
  function percentOff(button, clear) {
    const total = Number(plain(work.querySelector("#total_amount"))) || 0;
    const off = Math.round(total * Number(button.dataset.tierPercent) / 100);
    put(work.querySelector("#discount"), clear || !off ? "" : String(off));
  }
  work.addEventListener("input", (event) => {
    const tier = work.querySelector('[data-tier-percent][aria-pressed="true"]');
    if (tier && event.target.id === "total_amount") percentOff(tier, false);
    if (tier && event.target.id === "discount" && event.isTrusted) press(tier, false);
    if (event.target.matches("[data-codes]")) {
      const words = event.target.value.toUpperCase().split(/\s+/);
      work.querySelectorAll("[data-voucher]").forEach((held) => press(held, words.includes(held.dataset.voucher)));
    }
  });
  // A scanner ends with Enter: the code counts, the bill is not saved yet; the second Enter saves it.
  work.addEventListener("keydown", (event) => {
    if (event.key !== "Enter" || !event.target.matches("[data-codes]") || !event.target.value.trim()) return;
    if (event.target.value === event.target.dataset.taken) return;
    event.preventDefault();
    event.target.value = `${event.target.value.trim()} `;
    event.target.dataset.taken = event.target.value;
    changed(event.target);
  });

  /* items of the bill: {"<id>": quantity}; their prices add up to the amount */
  function add(button, step) {
    const field = work.querySelector("[data-items]");
    const lines = JSON.parse(field.value || "{}");
    const count = Math.max(0, (lines[button.dataset.item] || 0) + step);
    if (count) lines[button.dataset.item] = count;
    else delete lines[button.dataset.item];
    field.value = JSON.stringify(lines);
    const badge = button.querySelector(".chip-count");
    badge.hidden = !count;
    badge.textContent = toScreen(String(count));
    button.classList.toggle("is-on", count > 0);
    const total = [...work.querySelectorAll("[data-item]")]
      .reduce((sum, other) => sum + (lines[other.dataset.item] || 0) * Number(other.dataset.price), 0);
    const number = Object.values(lines).reduce((sum, value) => sum + value, 0);
    work.querySelector("[data-lines]").textContent = number ? toScreen(String(number)) : "";
    put(work.querySelector("#total_amount"), total ? String(total) : "");
  }

  function countDown(button) {
    let left = Number(button.dataset.seconds);
    const label = button.querySelector("[data-countdown]");
    const show = () => { label.textContent = toScreen(String(left)); };
    show();
    clearInterval(ticking);
    ticking = setInterval(() => {
      left -= 1;
      show();
      if (left <= 0 || !button.isConnected) { clearInterval(ticking); button.remove(); }
    }, 1000);
  }

  document.addEventListener("htmx:afterSettle", (event) => {
    if (event.target.id === "bill-errors") event.target.querySelector("[data-confirm]")?.focus();
    if (event.target !== work) return;
    grid.classList.add("has-guest");
    work.querySelector("[data-focus]")?.focus();
    const undo = work.querySelector("[data-undo]");
    if (undo) countDown(undo);
    if (matchMedia("(max-width: 60rem)").matches) work.scrollIntoView({ block: "start", behavior: "smooth" });
  });
  // A number that was there from the start is no change; htmx listens once the document is read.
  document.addEventListener("DOMContentLoaded", () => { if (plain(phone)) window.htmx.trigger(phone, "typed"); });
})();
