// Offers the browser's own time zone in the list, where the page has only guessed. Everything works without it.
"use strict";

(() => {
  const select = document.querySelector("select#zone");
  if (!select) return;
  const said = document.querySelector("[data-zone-said]");

  const tell = () => {
    if (!select.value || !said) return;
    const label = select.selectedOptions[0].label;
    const place = label.slice(label.indexOf(", ") + 1).trim();
    const clock = new Date().toLocaleTimeString("en-GB", { timeZone: select.value, hour: "2-digit", minute: "2-digit" });
    said.textContent = `${place}, ${select.dataset.now} ${clock}`;
  };

  if ("guess" in select.dataset) {
    const zone = Intl.DateTimeFormat().resolvedOptions().timeZone;
    if (zone) {
      if (![...select.options].some((option) => option.value === zone)) {
        select.add(new Option(zone.split("/").pop().replaceAll("_", " "), zone), 0);
      }
      select.value = zone;
      tell();
      const details = select.closest("details");
      if (details && !details.querySelector(".wrong")) details.open = false;
      const change = details && details.querySelector(".change");
      if (change) change.textContent = select.dataset.change;
    }
  }
  select.addEventListener("change", tell);
})();
