/* The tab bar of the profile: marks the open tab after a swap and brings it into view on narrow screens. */
(() => {
  "use strict";
  const bar = document.getElementById("profile-tabs");
  if (!bar) return;
  const tabs = () => [...bar.querySelectorAll(".tab")];
  const reduced = window.matchMedia("(prefers-reduced-motion: reduce)").matches;

  function mark(path) {
    const open = tabs().find((tab) => tab.pathname === path);
    if (!open) return;
    for (const tab of tabs()) {
      if (tab === open) tab.setAttribute("aria-current", "page");
      else tab.removeAttribute("aria-current");
    }
    open.scrollIntoView({ block: "nearest", inline: "center", behavior: reduced ? "auto" : "smooth" });
  }
  document.addEventListener("htmx:afterSettle", (event) => {
    if (event.target.id === "tab") mark(window.location.pathname);
  });
  bar.addEventListener("keydown", (event) => {
    const step = { ArrowLeft: -1, ArrowRight: 1 }[event.key] || 0;
    const all = tabs();
    const at = all.indexOf(document.activeElement);
    if (at < 0) return;
    const rtl = getComputedStyle(bar).direction === "rtl" ? -1 : 1;
    const next = event.key === "Home" ? 0 : event.key === "End" ? all.length - 1 : at + step * rtl;
    if ((!step && !["Home", "End"].includes(event.key)) || !all[next]) return;
    event.preventDefault();
    all[next].focus();
  });
})();
