// Whoever signs out leaves no words in this browser: what the desk does not have yet is asked about first.
"use strict";

document.addEventListener("submit", (event) => {
  if (!new URL(event.target.action, location.href).pathname.endsWith("/logout/")) return;
  let places = [];
  try {
    places = Object.keys(localStorage).filter((name) => name.startsWith("ksu:draft:"));
  } catch {
    return; // a browser that keeps nothing has nothing to let go
  }
  const question = "Words that have not reached the desk yet are kept in this browser. Sign out and let them go?";
  if (places.length && !window.confirm(question)) event.preventDefault();
  else for (const place of places) localStorage.removeItem(place);
});
