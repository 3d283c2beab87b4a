{% load static %}/* Shows push messages of a guest's card. Keeps nothing: the card itself always comes fresh. */
"use strict";
self.addEventListener("push", (event) => {
  let message = {};
  try {
    message = event.data.json();
  } catch {
    return;
  }
  event.waitUntil(self.registration.showNotification(message.title || "{{ cafe_name|escapejs }}", {
    body: message.body || "",
    tag: message.tag || "",
    icon: "{% static 'img/icon-180.png' %}",
    lang: "{{ language }}",
    dir: "auto",
    data: { url: message.url || self.registration.scope },
  }));
});
self.addEventListener("notificationclick", (event) => {
  event.notification.close();
  event.waitUntil(self.clients.openWindow(event.notification.data.url));
});
