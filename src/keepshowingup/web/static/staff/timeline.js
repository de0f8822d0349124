// The letters on their days: dragged, or moved by Alt and an arrow key. The days stay, the letters change places on them.
import { Sortable } from "../vendor/sortable.js";

const MOVED = "moved letter";

/** `settled()` resolves when what was typed is kept, so that the page may be left. */
export function arrange(settled) {
  const list = document.getElementById("days");
  const form = document.getElementById("move");
  // On a phone the days run sideways: begin at the one that is open.
  const here = list.querySelector(".now");
  list.scrollLeft = here.offsetLeft - 16;
  if (!form) return;

  const days = [...list.querySelectorAll(".day")].map((day) => [...day.childNodes].map((node) => node.cloneNode(true)));

  function number() {
    for (const [index, day] of list.querySelectorAll(":scope > li:not(.sortable-fallback) .day").entries()) {
      day.replaceChildren(...days[index].map((node) => node.cloneNode(true)));
    }
  }

  async function move(item, places) {
    sessionStorage.setItem(MOVED, item.dataset.move);
    await settled();
    form.action = item.dataset.move;
    form.elements.places.value = places;
    form.requestSubmit();
  }

  Sortable.create(list, {
    animation: matchMedia("(prefers-reduced-motion: reduce)").matches ? 0 : 150,
    delay: 250, // on a phone a short touch scrolls or opens, a longer one takes the card up
    delayOnTouchOnly: true,
    filter: ".moves",
    preventOnFilter: false,
    // The browser's own dragging takes links for addresses, and knows no touch.
    forceFallback: true,
    fallbackTolerance: 4,
    ghostClass: "taken",
    onChange: number,
    onEnd({ item, oldIndex, newIndex }) {
      if (oldIndex !== newIndex) move(item, newIndex - oldIndex);
    },
  });

  list.addEventListener("keydown", (event) => {
    const places = { ArrowUp: -1, ArrowDown: 1 }[event.key];
    const item = event.target.closest("li");
    if (!event.altKey || !places || !item) return;
    event.preventDefault();
    if (places < 0 ? item.previousElementSibling : item.nextElementSibling) move(item, places);
  });

  const moved = sessionStorage.getItem(MOVED);
  sessionStorage.removeItem(MOVED);
  if (moved) list.querySelector(`[data-move="${CSS.escape(moved)}"] .card > a`)?.focus();
}
