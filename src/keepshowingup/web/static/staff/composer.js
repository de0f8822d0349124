// The composer, nicer: the preview and the findings follow the typing, nothing typed is lost. Without this script the
// same buttons do the same by plain forms.
import { edit } from "./editor.js";
import { arrange } from "./timeline.js";

const form = document.getElementById("letter");
if (form) compose();

function compose() {
  const root = document.documentElement;
  const body = form.elements.body;
  const look = document.getElementById("look");
  const frame = document.getElementById("preview");
  const saved = document.getElementById("saved");
  const told = document.getElementById("told");
  const savedWords = saved ? [...saved.childNodes].map((node) => node.cloneNode(true)) : [];
  const given = JSON.parse(document.getElementById("editing").textContent);
  const PAUSE = 450;
  const chosen = document.getElementById("picture");
  const alt = document.getElementById("alt");
  const pictureSaid = document.getElementById("picture-said");
  // It is sent by itself, not with the words at every pause.
  chosen.removeAttribute("name");
  alt.removeAttribute("name");
  chosen.closest("details").addEventListener("input", (event) => event.stopPropagation());

  let kept = true;
  let typings = 0;
  let timer = 0;
  let wish = null;
  let answering = null;
  let asking = null;

  root.classList.add("scripted");

  const editor = edit(body, {
    fields: given.fields,
    label: document.getElementById("body-label"),
    description: document.getElementById("weight"),
    nonce: document.querySelector("script[nonce]")?.nonce,
    mend: (key) => keep("mend", key),
    paste,
    picture,
  });
  editor.underline(given.underlines);

  // --- counters -------------------------------------------------------------------------------------------------

  function count(input) {
    const output = form.querySelector(`output[for="${input.id}"]`);
    const most = Number(input.dataset.count);
    const length = [...input.value].length;
    output.textContent = `${length} of ${most}`;
    output.classList.toggle("over", length > most);
  }

  // --- the draft: kept while typing, read and shown as a letter -----------------------------------------------------

  function say(words) {
    if (saved) saved.replaceChildren(...words);
  }

  function typed() {
    kept = false;
    typings += 1;
    root.classList.add("unsaved");
    say(["Not saved yet"]);
    clearTimeout(timer);
    timer = setTimeout(() => keep(), PAUSE);
  }

  function pressed(name, value) {
    const data = new FormData(form);
    data.set("reader", document.getElementById("reader").value);
    data.set("show", look.querySelector('[aria-pressed="true"]').value);
    data.delete("find");
    if (name) data.set(name, value);
    return data;
  }

  /** One question at a time, however slow the answers are: what is wished meanwhile is asked next, once. */
  function keep(name, value) {
    clearTimeout(timer);
    wish = name ? { name, value } : (wish ?? {});
    answering ??= answered().finally(() => {
      answering = null;
    });
    return answering;
  }

  async function answered() {
    while (wish) {
      const { name, value } = wish;
      wish = null;
      await ask(name, value);
    }
  }

  async function ask(name, value) {
    asking = new AbortController();
    const asOf = typings;
    const reading = editor.reading();
    const data = pressed(name, value);
    let answer;
    form.dispatchEvent(new Event("ksu:keeping"));
    try {
      const response = await fetch(form.dataset.draft, {
        method: "POST",
        body: data,
        headers: { Accept: "application/json" },
        signal: asking.signal,
        redirect: "error",
      });
      if (!response.ok) throw new Error(String(response.status));
      answer = await response.json();
    } catch {
      reading.unheard();
      return; // keeping.js keeps the words, says so, and asks again
    }
    kept = asOf === typings;
    // Whom it is shown as is chosen here; only a reader who was looked for comes from the desk.
    if (name !== "find") delete answer.parts.reader;
    show(answer, reading, data);
    form.dispatchEvent(new CustomEvent("ksu:kept", { detail: answer }));
  }

  function show(answer, reading, sent) {
    const { body: mended, ...lines } = answer.fields;
    for (const [name, words] of Object.entries(lines)) {
      if (form.elements[name].value === sent.get(name)) form.elements[name].value = words;
    }
    if (mended === undefined) reading.found(answer.underlines);
    else reading.mended(mended, answer.underlines);
    const held = document.activeElement;
    const room = held?.closest("#findings, .remarks, #beside");
    for (const [id, html] of Object.entries(answer.parts)) {
      const part = document.getElementById(id);
      // Somebody may be reading there: what is the same stays as it is.
      if (part && part.innerHTML !== html) part.innerHTML = html;
    }
    if (held && !held.isConnected) (room?.querySelector("a, button") ?? document.getElementById("find") ?? look).focus();
    // Said aloud only when it is something else than before, not at every pause.
    if (told.textContent !== answer.told) told.textContent = answer.told;
    root.classList.toggle("unsaved", answer.kept || !kept);
    if (kept) say(answer.kept ? ["Kept, not saved yet"] : savedWords);
    for (const input of form.querySelectorAll("[data-count]")) count(input);
    // Half a merge field is no letter: the last one that was stays in sight until there is another.
    look.classList.toggle("not-yet", !answer.made);
    if (!answer.made) return;
    // replace() and not src: going back in the browser leaves the page, not the last keystroke.
    frame.contentWindow.location.replace(new URL(answer.url, location.href));
    frame.title = answer.title;
  }

  async function paste(html) {
    const data = new FormData();
    data.set("csrfmiddlewaretoken", form.elements.csrfmiddlewaretoken.value);
    data.set("html", html);
    try {
      const response = await fetch(form.dataset.paste, { method: "POST", body: data, redirect: "error" });
      if (response.ok) return (await response.json()).markdown.replace(/\n$/, "");
    } catch {
      say(["Pasted as plain text: the desk does not answer."]);
    }
    return null;
  }

  async function picture(file, words) {
    const data = new FormData();
    data.set("csrfmiddlewaretoken", form.elements.csrfmiddlewaretoken.value);
    data.set("picture", file);
    data.set("alt", words);
    try {
      const response = await fetch(form.dataset.picture, {
        method: "POST",
        body: data,
        headers: { Accept: "application/json" },
        redirect: "error",
      });
      const answer = await response.json();
      told.textContent = answer.sentence ?? "The picture is in the letter.";
      pictureSaid.textContent = answer.sentence ?? "";
      return answer.markdown ?? null;
    } catch {
      pictureSaid.textContent = "The desk does not answer. Please try again.";
      return null;
    }
  }

  // --- what is pressed ----------------------------------------------------------------------------------------------

  document.addEventListener("click", (event) => {
    const place = event.target.closest("[data-go]");
    if (place) editor.go(place.dataset.go);
    const button = event.target.closest('button[form="letter"]');
    if (!button) return;
    if (button.name === "show") {
      event.preventDefault();
      for (const tab of look.querySelectorAll(".tabs button")) tab.setAttribute("aria-pressed", String(tab === button));
      look.classList.replace(`as-${look.dataset.tab}`, `as-${button.value}`);
      look.dataset.tab = button.value;
      keep();
    } else if (button.name === "mend") {
      event.preventDefault();
      keep("mend", button.value);
    } else if (button.id === "picture-press") {
      event.preventDefault();
      const [file] = chosen.files;
      if (!file) pictureSaid.textContent = "Choose a picture first: a JPEG, PNG or GIF.";
      else picture(file, alt.value).then((markdown) => markdown && editor.show(markdown));
    } else if (button.id === "find-press") {
      event.preventDefault();
      keep("find", document.getElementById("find").value);
    }
  });

  // Enter would press the form's first button, which saves.
  alt.addEventListener("keydown", (event) => {
    if (event.key !== "Enter") return;
    event.preventDefault();
    document.getElementById("picture-press").click();
  });
  document.getElementById("find")?.addEventListener("keydown", (event) => {
    if (event.key !== "Enter") return;
    event.preventDefault();
    keep("find", event.target.value);
  });

  document.getElementById("reader").addEventListener("change", () => keep());

  form.addEventListener("input", (event) => {
    if (event.target.dataset.count) count(event.target);
    typed();
  });

  document.addEventListener("keydown", (event) => {
    if ((event.ctrlKey || event.metaKey) && event.key === "s") {
      event.preventDefault();
      form.requestSubmit(document.getElementById("save"));
    }
  });

  // Words not even kept as a draft yet are worth a question; a form that saves them is not.
  let leaving = false;
  form.addEventListener("submit", () => {
    leaving = true;
    clearTimeout(timer);
    asking?.abort();
  });
  addEventListener("beforeunload", (event) => {
    if (!kept && !leaving) event.preventDefault();
  });
  addEventListener("pageshow", () => {
    leaving = false;
  });

  arrange(async () => {
    if (!kept) await keep();
    leaving = true;
  });

  // What was typed before there was a script to hear of it.
  document.addEventListener("DOMContentLoaded", () => {
    const early = ["subject", "preheader", "body"].map((name) => form.elements[name]);
    if (early.some((field) => field.value !== field.defaultValue)) body.dispatchEvent(new Event("input", { bubbles: true }));
  });

  if (document.getElementById("kept")) root.classList.add("unsaved");
  for (const input of form.querySelectorAll("[data-count]")) count(input);
}
