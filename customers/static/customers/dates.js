/*
 * Date fields get the picker of the café's calendar; typing works as before, and without script as well.
 * input[data-calendar=jalali] → the Jalali picker, input[data-calendar=gregorian] → the browser's own.
 * Fields that htmx brings later get theirs when they arrive.
 */
(() => {
  "use strict";
  const PERSIAN = document.documentElement.lang.startsWith("fa");
  let watching = false;

  function watch() {
    if (watching || !window.jalaliDatepicker) return;
    watching = true;
    window.jalaliDatepicker.startWatch({
      separatorChars: { date: "/" },
      persianDigits: PERSIAN,
      showTodayBtn: true,
      showEmptyBtn: true,
      useDropDownYears: true,
      maxDate: "attr",
      minDate: "attr",
      hideAfterChange: true,
      zIndex: 70,
    });
  }
  function dress(root) {
    root.querySelectorAll("input[data-calendar=jalali]:not([data-jdp])").forEach((field) => {
      field.setAttribute("data-jdp", "");
      // The picker reads ASCII digits only; the field shows the screen's own.
      field.addEventListener("focus", () => { field.value = window.servaan.toAscii(field.value); }, true);
      field.addEventListener("blur", () => { field.value = window.servaan.toScreen(window.servaan.toAscii(field.value)); });
      watch();
    });
    root.querySelectorAll("input[data-calendar=gregorian]:not([type=date])").forEach((field) => {
      const plain = window.servaan.toAscii(field.value).replace(/\//g, "-");
      if (plain && !/^\d{4}-\d{2}-\d{2}$/.test(plain)) return;
      field.type = "date";
      field.value = plain;
    });
  }
  dress(document);
  document.addEventListener("htmx:afterSettle", (event) => dress(event.target));
})();
