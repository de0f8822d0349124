// The bar of a running task moves by itself. Without this script, loading the page again shows how far it is.
"use strict";

const note = document.getElementById("progress");
const bar = document.getElementById("bar");
const shown = document.getElementById("done");

async function look() {
  try {
    const answer = await fetch(note.dataset.url, { headers: { Accept: "application/json" } });
    const { done, total } = await answer.json();
    if (done >= total) {
      location.reload();
      return;
    }
    bar.value = done;
    bar.max = total;
    shown.textContent = done.toLocaleString("en");
  } catch {
    // The server is away for a moment: the next look will tell.
  }
  setTimeout(look, 1000);
}
setTimeout(look, 1000);
