/*
 * The shell: theme, menus, search, toasts with undo, forms that send once, a guard for unsaved work, htmx.
 *   servaan.toast({ text, level: "ok|bad|warn|info", undo: url, retry: function, seconds })
 *   The server shows one through the header  HX-Trigger: {"servaan:toast": {"text": "...", "undo": "..."}}
 *   form[data-once]   submit button rests while the form is being sent (every POST form, unless data-many)
 *   form[data-guard]  asks before leaving with unsaved changes
 */
(() => {
  "use strict";
  const say = document.body.dataset;
  const token = () => document.querySelector("meta[name=csrf-token]")?.content || "";
  const icons = document.querySelector("use")?.getAttribute("href")?.split("#")[0];

  function post(url, body = new URLSearchParams()) {
    return fetch(url, { method: "POST", body, headers: { "X-CSRFToken": token(), "X-Requested-With": "fetch" }, credentials: "same-origin" });
  }

  /* toasts */
  const shelf = document.getElementById("toasts");
  function drawIcon(name) {
    const svg = document.createElementNS("http://www.w3.org/2000/svg", "svg");
    svg.setAttribute("class", "icon");
    svg.setAttribute("aria-hidden", "true");
    const use = document.createElementNS("http://www.w3.org/2000/svg", "use");
    use.setAttribute("href", `${icons}#${name}`);
    svg.append(use);
    return svg;
  }
  function button(text, action) {
    const made = document.createElement("button");
    made.type = "button";
    made.textContent = text;
    made.addEventListener("click", action);
    return made;
  }
  function leave(item, seconds) {
    let timer = setTimeout(() => item.remove(), seconds * 1000);
    item.addEventListener("pointerenter", () => clearTimeout(timer));
    item.addEventListener("focusin", () => clearTimeout(timer));
    item.addEventListener("pointerleave", () => { timer = setTimeout(() => item.remove(), 2500); });
  }
  function undo(url, item) {
    post(url).then((answer) => {
      item.remove();
      if (!answer.ok) throw new Error(String(answer.status));
      toast({ text: say.textUndone, level: "ok" });
      document.body.dispatchEvent(new CustomEvent("servaan:undone", { detail: { url }, bubbles: true }));
    }).catch(() => toast({ text: say.textFailed, level: "bad" }));
  }
  function toast({ text, level = "info", undo: url = "", retry = null, seconds = 0 }) {
    const item = document.createElement("div");
    item.className = `toast-item is-${level}`;
    const words = document.createElement("span");
    words.className = "toast-text";
    words.textContent = text;
    if (icons) item.append(drawIcon({ ok: "circle-check", bad: "alert-circle", warn: "alert-triangle" }[level] || "info-circle"));
    item.append(words);
    if (url) item.append(button(say.textUndo, () => undo(url, item)));
    if (retry) item.append(button(say.textRetry, () => { item.remove(); retry(); }));
    const close = button("", () => item.remove());
    close.setAttribute("aria-label", say.textClose);
    close.append(icons ? drawIcon("x") : "×");
    item.append(close);
    shelf.append(item);
    leave(item, seconds || (url || retry ? 12 : 6));
    return item;
  }
  const adopt = (item) => leave(item, item.querySelector("[data-undo-url]") ? 12 : 7);
  shelf.querySelectorAll("[data-toast]").forEach(adopt);
  document.addEventListener("click", (event) => {
    const pressed = event.target.closest("[data-toast-close], #toasts [data-undo-url]");
    if (!pressed) return;
    const item = pressed.closest(".toast-item");
    if (pressed.dataset.undoUrl) undo(pressed.dataset.undoUrl, item);
    else item.remove();
  });
  document.body.addEventListener("servaan:toast", (event) => toast(event.detail));

  /* theme: at once, and remembered on the server's side of the cookie */
  document.addEventListener("submit", (event) => {
    if (!event.target.matches("[data-theme-form]") || !event.submitter) return;
    event.preventDefault();
    const theme = event.submitter.value;
    document.documentElement.dataset.bsTheme = theme;
    event.target.querySelectorAll("button").forEach((b) => b.setAttribute("aria-pressed", String(b === event.submitter)));
    post(event.target.action, new URLSearchParams({ theme })).catch(() => toast({ text: say.textOffline, level: "warn" }));
  });

  /* menus close by Escape and by a press elsewhere */
  const closeMenus = (except) => document.querySelectorAll("details[data-menu][open]").forEach((m) => { if (m !== except) m.open = false; });
  document.addEventListener("click", (event) => closeMenus(event.target.closest("details[data-menu]")));

  /* search */
  const search = document.querySelector("[data-search-input]");
  const hits = () => [...document.querySelectorAll("#search-results a")];
  const typing = (el) => el.matches("input,textarea,select,[contenteditable]");
  document.addEventListener("keydown", (event) => {
    if (event.key === "/" && search && !typing(event.target) && !event.ctrlKey && !event.metaKey && !event.altKey) {
      event.preventDefault();
      search.focus();
      search.select();
    } else if (event.key === "Escape") {
      const menu = event.target.closest?.("details[data-menu]");
      closeMenus();
      menu?.querySelector("summary").focus();
      if (event.target === search) { search.value = ""; document.getElementById("search-results").replaceChildren(); search.blur(); }
    } else if ((event.key === "ArrowDown" || event.key === "ArrowUp") && event.target.closest?.("[data-search]")) {
      const links = hits();
      if (!links.length) return;
      event.preventDefault();
      const next = links.indexOf(document.activeElement) + (event.key === "ArrowDown" ? 1 : -1);
      (links[next] || (next < 0 ? search : links[0])).focus();
    } else if (event.key === "Enter" && event.target === search && hits().length) {
      event.preventDefault();
      hits()[0].click();
    }
  });

  /* a form is sent once; unsaved work is guarded */
  const rest = (form, on) => form.querySelectorAll("button:not([type=button]):not([type=reset])").forEach((b) => {
    b.disabled = on;
    b.setAttribute("aria-busy", String(on));
  });
  document.addEventListener("submit", (event) => {
    const form = event.target;
    if (event.defaultPrevented || form.method !== "post" || form.hasAttribute("data-many") || form.hasAttribute("hx-post")) return;
    form.removeAttribute("data-changed");
    setTimeout(() => rest(form, true));
  });
  window.addEventListener("pageshow", () => document.querySelectorAll("form").forEach((form) => rest(form, false)));
  document.addEventListener("input", (event) => event.target.closest?.("form[data-guard]")?.setAttribute("data-changed", ""));
  window.addEventListener("beforeunload", (event) => { if (document.querySelector("form[data-changed]")) event.preventDefault(); });

  /* htmx */
  document.addEventListener("htmx:configRequest", (event) => {
    if (event.detail.verb !== "get") event.detail.headers["X-CSRFToken"] = token();
  });
  document.addEventListener("htmx:beforeRequest", (event) => { if (event.detail.elt.matches("form")) rest(event.detail.elt, true); });
  document.addEventListener("htmx:afterRequest", (event) => {
    if (!event.detail.elt.matches("form")) return;
    rest(event.detail.elt, false);
    if (event.detail.successful) event.detail.elt.removeAttribute("data-changed");
  });
  const again = (detail) => () => {
    const { elt, requestConfig } = detail;
    if (elt.isConnected) window.htmx.trigger(elt, requestConfig?.triggeringEvent?.type || "submit");
  };
  for (const name of ["htmx:sendError", "htmx:timeout"]) {
    document.addEventListener(name, (event) => toast({ text: say.textOffline, level: "warn", retry: again(event.detail) }));
  }
  document.addEventListener("htmx:responseError", (event) => {
    const { xhr } = event.detail;
    // The server explains a refusal itself by aiming at the toast shelf.
    if (xhr.getResponseHeader("HX-Retarget") === "#toasts") return;
    if (xhr.status === 401) { window.location.reload(); return; }
    toast({ text: say.textFailed, level: "bad", retry: xhr.status >= 500 ? again(event.detail) : null });
  });
  // An answer that comes after its place has left the page has nowhere to go.
  const late = (event) => { if (event.detail.target && !event.detail.target.isConnected) event.preventDefault(); };
  document.addEventListener("htmx:beforeRequest", (event) => event.detail.elt.addEventListener("htmx:beforeOnLoad", late));
  document.addEventListener("htmx:beforeSwap", (event) => {
    const aimed = event.detail.xhr.getResponseHeader("HX-Retarget") === "#toasts";
    if (aimed && event.detail.xhr.status >= 400) event.detail.shouldSwap = true;
  });
  document.addEventListener("htmx:afterSwap", (event) => {
    if (event.target === shelf) shelf.querySelectorAll("[data-toast]:not([data-adopted])").forEach((item) => { item.dataset.adopted = ""; adopt(item); });
  });

  /* a file field speaks the language of the browser, not of the page: its face is drawn here */
  function drawFileField(field) {
    if (field.closest(".file-pick")) return;
    const [frame, label, name] = ["file-pick", "file-button", "file-name"].map((part) => Object.assign(document.createElement("span"), { className: part }));
    const tell = () => { name.textContent = field.files[0]?.name || say.textNoFile; };
    label.textContent = say.textChoose;
    label.ariaHidden = name.ariaHidden = "true";
    field.replaceWith(frame);
    frame.append(label, name, field);
    field.addEventListener("change", tell);
    tell();
  }
  document.querySelectorAll("input[type=file]").forEach(drawFileField);
  /* the open tab is in view, however narrow the screen */
  requestAnimationFrame(() => document.querySelectorAll(".tabs").forEach((bar) => {
    if (bar.scrollWidth > bar.clientWidth) bar.querySelector("[aria-current]")?.scrollIntoView({ block: "nearest", inline: "center" });
  }));

  window.servaan = Object.assign(window.servaan || {}, { toast, post });
})();
