// Words that have not reached the desk yet are kept in this browser, for this letter and this person, and sent as soon
// as the desk answers. Nothing is kept here longer than that: what is confirmed is removed, and so it is at sign-out.
"use strict";

(() => {
  const told = document.getElementById("keeping");
  if (!told) return;
  const place = told.dataset.key;

  const drop = () => {
    try {
      localStorage.removeItem(place);
    } catch {
      // A browser that keeps nothing has nothing to let go.
    }
  };

  // A page that shows what has arrived, and has no letter to write in.
  if (told.dataset.arrived !== undefined) {
    drop();
    return;
  }

  const form = told.closest("form");
  const NAMES = ["subject", "preheader", "when", "days", "minutes", "date", "mark", "yearly", "at", "only_if", "body"];
  const BASED = ["based_on", "based_when"];
  // Milliseconds: until we ask the desk ourselves, and between one question that fails and the next.
  const PATIENCE = 4000;
  const FIRST_PAUSE = 5000;
  const LONGEST_PAUSE = 60000;

  let typed = 0; // how often something was typed,
  let sent = 0; // how much of it was on its way when the last request left,
  let arrived = 0; // and how much the desk has confirmed
  let since = told.dataset.kept;
  let others = null;
  let away = false;
  let timer = 0;
  let pause = FIRST_PAUSE;

  const isTick = (field) => field.type === "checkbox";
  const said = (field) => (field && (!isTick(field) || field.checked) ? field.value : "");
  const fields = () => Object.fromEntries([...NAMES, ...BASED].map((name) => [name, said(form.elements[name])]));

  function read() {
    try {
      return JSON.parse(localStorage.getItem(place));
    } catch {
      return null;
    }
  }

  function write() {
    try {
      localStorage.setItem(place, JSON.stringify({ fields: fields(), at: new Date().toISOString(), since }));
      return true;
    } catch {
      return false;
    }
  }

  const clock = (moment) =>
    new Intl.DateTimeFormat("en-GB", { hour: "2-digit", minute: "2-digit", hourCycle: "h23" }).format(moment);

  // The same words again would be read out again.
  function say(words, tone = "") {
    if (told.textContent !== words) told.textContent = words;
    told.className = tone;
  }

  function sayAway(why) {
    away = true;
    say(write() ? `Not saved: ${why}, kept here` : `Not saved: ${why}. Copy your words before you go`, "away");
  }

  // --- what was typed -------------------------------------------------------------------------------------------

  function note() {
    typed += 1;
    write();
    if (navigator.onLine) wait(PATIENCE);
    else sayAway("no connection");
  }

  function wait(milliseconds) {
    clearTimeout(timer);
    timer = setTimeout(send, milliseconds);
  }

  form.addEventListener("input", note);
  form.addEventListener("change", (event) => {
    if (NAMES.includes(event.target.name)) note();
  });

  // The preview asks the desk at every pause in the typing, and the desk keeps what it is shown.
  form.addEventListener("ksu:keeping", () => {
    sent = typed;
  });
  form.addEventListener("ksu:kept", (event) => confirm(event.detail));

  function confirm(answer) {
    arrived = sent;
    since = answer.kept_at;
    pause = FIRST_PAUSE;
    if (others !== answer.meanwhile) document.getElementById("meanwhile").innerHTML = others = answer.meanwhile;
    if (arrived === typed) {
      clearTimeout(timer);
      drop();
    } else write();
    if (answer.kept) say(`Kept ${clock(new Date())}, not saved yet`);
    else say("");
    away = false;
  }

  // --- the desk does not answer ---------------------------------------------------------------------------------

  async function send() {
    clearTimeout(timer);
    if (arrived === typed) return true;
    sent = typed;
    try {
      const response = await fetch(form.dataset.draft, {
        method: "POST",
        body: new FormData(form),
        headers: { Accept: "application/json" },
        redirect: "manual",
      });
      if (response.type === "opaqueredirect") sayAway("you are signed out");
      else if (response.status === 403) sayAway("this page is older than your sign-in. Load it again");
      else if (!response.ok) sayAway("the desk does not answer");
      else {
        confirm(await response.json());
        return true;
      }
    } catch {
      sayAway("no connection");
    }
    wait(pause);
    pause = Math.min(pause * 2, LONGEST_PAUSE);
    return false;
  }

  addEventListener("offline", () => {
    if (arrived !== typed) sayAway("no connection");
  });
  addEventListener("online", () => {
    pause = FIRST_PAUSE;
    send();
  });

  // Saving leaves the page, and without a connection there is no page to come to.
  addEventListener(
    "submit",
    async (event) => {
      if (event.target !== form || (navigator.onLine && !away)) return;
      event.preventDefault();
      event.stopImmediatePropagation();
      typed += 1;
      if (await send()) form.requestSubmit(event.submitter);
    },
    { capture: true },
  );

  // --- what was kept here before ----------------------------------------------------------------------------------

  function put(kept) {
    for (const [name, words] of Object.entries(kept.fields)) {
      const field = form.elements[name];
      if (!field) continue;
      if (isTick(field)) field.checked = words !== "";
      else field.value = words;
    }
    form.elements.body.dispatchEvent(new Event("ksu:replaced", { bubbles: true }));
    form.elements.body.dispatchEvent(new Event("input", { bubbles: true }));
    send();
  }

  const tidy = (words) => (words ?? "").replace(/\r\n?/g, "\n").trim();

  function restore() {
    const kept = read();
    if (!kept?.fields) return;
    const shown = fields();
    if (NAMES.every((name) => tidy(kept.fields[name]) === tidy(shown[name]))) {
      drop();
      return;
    }
    if (kept.since === since) {
      put(kept);
      say(`Your words from ${clock(new Date(kept.at))} are back: they had not reached the desk`);
      return;
    }
    const note = document.getElementById("found-here");
    note.querySelector("time").textContent = clock(new Date(kept.at));
    note.hidden = false;
    note.addEventListener("click", (event) => {
      const button = event.target.closest("button");
      if (!button) return;
      note.hidden = true;
      if (button.value === "take") put(kept);
      else drop();
      form.elements.subject.focus();
    });
  }

  // Once the composer is there, which paints and reads what is put in.
  if (document.readyState === "complete") restore();
  else addEventListener("DOMContentLoaded", restore);
})();
