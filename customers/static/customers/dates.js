/*
 * Date fields get the picker of the café's calendar; typing works as before, and without script as well.
 * input[data-calendar=jalali] → the Jalali picker, input[data-calendar=gregorian] → the browser's own.
 */
(() => {
  "use strict";
  const PERSIAN = document.documentElement.lang.startsWith("fa");
  const jalali = document.querySelectorAll("input[data-calendar=jalali]");
  jalali.forEach((field) => {
    field.setAttribute("data-jdp", "");
    // The picker reads ASCII digits only; the field shows the screen's own.
    field.addEventListener("focus", () => { field.value = window.servaan.toAscii(field.value); }, true);
    field.addEventListener("blur", () => { field.value = window.servaan.toScreen(window.servaan.toAscii(field.value)); });
  });
  if (jalali.length && window.jalaliDatepicker) {
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
  document.querySelectorAll("input[data-calendar=gregorian]").forEach((field) => {
    const plain = window.servaan.toAscii(field.value).replace(/\//g, "-");
    if (plain && !/^\d{4}-\d{2}-\d{2}$/.test(plain)) return;
    field.type = "date";
    field.value = plain;
  });
})();
