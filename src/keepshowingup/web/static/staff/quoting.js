// A comment about a place: what is marked in the letter when the comment is begun is what it is about.
"use strict";

(() => {
  const quote = document.getElementById("quote");
  const body = document.getElementById("body");
  if (!quote) return;
  let marked = "";

  document.addEventListener("selectionchange", () => {
    const here = document.activeElement;
    if (here === body) marked = body.value.slice(body.selectionStart, body.selectionEnd);
    // An editor in place of the textarea, or the words of somebody who may only read.
    else if (here?.closest?.(".paper") || here === document.body) marked = String(document.getSelection());
  });

  document.getElementById("comment").addEventListener("focus", () => {
    if (!quote.value && marked.trim()) quote.value = marked.trim().replace(/\s+/g, " ").slice(0, 500);
  });
})();
