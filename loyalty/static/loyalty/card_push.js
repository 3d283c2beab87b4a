/*
 * Push messages on a guest's card: comfort only, without it the button stays away.
 *   [data-push="public key"]  the box: data-url takes and forgets a browser, data-worker is the service worker,
 *                             data-on says that this guest takes messages already
 *   [data-state="x"]          shown in that state: off, on, busy, denied, failed
 *   [data-do="take|leave"]    the buttons
 */
(() => {
  "use strict";
  const box = document.querySelector("[data-push]");
  const able = "serviceWorker" in navigator && "PushManager" in window && "Notification" in window;
  if (!box || !able) return;
  const show = (state) => {
    for (const part of box.querySelectorAll("[data-state]")) part.hidden = part.dataset.state !== state;
    box.hidden = false;
  };
  const bytes = (text) => {
    const raw = atob(text.replace(/-/g, "+").replace(/_/g, "/"));
    return Uint8Array.from(raw, (letter) => letter.charCodeAt(0));
  };
  const key = bytes(box.dataset.push);
  const isOurs = (subscription) => {
    const own = new Uint8Array(subscription.options.applicationServerKey || []);
    return own.length === key.length && own.every((byte, place) => byte === key[place]);
  };
  const tell = async (method, subscription) => {
    const answer = await fetch(box.dataset.url, {
      method, credentials: "omit", headers: { "Content-Type": "application/json" }, body: JSON.stringify(subscription),
    });
    if (!answer.ok) throw new Error(String(answer.status));
  };
  const scope = new URL("./", new URL(box.dataset.worker, location.href)).pathname;
  const current = async () => {
    const worker = await navigator.serviceWorker.getRegistration(scope);
    return worker ? worker.pushManager.getSubscription() : null;
  };
  const take = async () => {
    if (await Notification.requestPermission() !== "granted") {
      return Notification.permission === "denied" ? "denied" : "off";
    }
    await navigator.serviceWorker.register(box.dataset.worker, { scope });
    const worker = await navigator.serviceWorker.ready;
    let subscription = await worker.pushManager.getSubscription();
    if (subscription && !isOurs(subscription)) {
      await subscription.unsubscribe();
      subscription = null;
    }
    subscription ||= await worker.pushManager.subscribe({ userVisibleOnly: true, applicationServerKey: key });
    await tell("POST", subscription.toJSON());
    return "on";
  };
  const leave = async () => {
    const subscription = await current();
    if (subscription) {
      await tell("DELETE", { endpoint: subscription.endpoint });
      await subscription.unsubscribe();
    }
    return "off";
  };
  box.addEventListener("click", async (event) => {
    const button = event.target.closest("[data-do]");
    if (!button) return;
    show("busy");
    try {
      show(await (button.dataset.do === "take" ? take() : leave()));
    } catch {
      show("failed");
    }
  });
  const start = async () => {
    if (Notification.permission === "denied") return "denied";
    const subscription = "on" in box.dataset ? await current() : null;
    return subscription && isOurs(subscription) ? "on" : "off";
  };
  start().then(show, () => show("off"));
})();
