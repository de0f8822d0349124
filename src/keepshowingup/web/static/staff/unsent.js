// A page with several forms sends one of them. Words in another one, or for another letter, are asked about first.
"use strict";

document.addEventListener("submit", (event) => {
  const sends = event.submitter?.dataset.sends;
  const isSent = (field) => field.form === event.target && (!sends || field.name === sends);
  const typed = [...document.querySelectorAll("main textarea, main input:not([type])")];
  if (!typed.some((field) => field.value !== field.defaultValue && !isSent(field))) return;
  if (!window.confirm("There are words on this page that this button does not send. Go on without them?")) {
    event.preventDefault();
  }
});
