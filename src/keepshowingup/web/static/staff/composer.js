// The composer, nicer: the preview and the findings follow the typing, headings and findings are coloured in the
// text, nothing typed is lost. Without this script the same buttons do the same by plain forms.
"use strict";

(() => {
  const form = document.getElementById("letter");
  if (!form) return;
  const root = document.documentElement;
  const body = form.elements.body;
  const paper = body.parentElement;
  const ink = document.getElementById("ink");
  const look = document.getElementById("look");
  const frame = document.getElementById("preview");
  const saved = document.getElementById("saved");
  const savedWords = saved ? [...saved.childNodes].map((node) => node.cloneNode(true)) : [];
  const PAUSE = 450;

  let spans = JSON.parse(document.getElementById("spans").textContent);
  let spansOf = body.value;
  let kept = true;
  let timer = 0;
  let asking = null;

  root.classList.add("scripted");

  // --- ink: the same words under the textarea, coloured -------------------------------------------------------

  const piece = (text, name, tag = "span") => {
    const element = document.createElement(tag);
    element.textContent = text;
    if (name) element.className = name;
    return element;
  };

  const SYNTAX = /^#{1,6} .*$|\{\{[^{}\n]*\}\}|\[[^\]\n]*\]\([^)\n]*\)/gm;

  function colour(text) {
    const edges = new Set([0, text.length]);
    const areas = [];
    for (const match of text.matchAll(SYNTAX)) {
      areas.push([match.index, match.index + match[0].length, match[0].startsWith("#") ? "h" : "m"]);
    }
    const marks = spansOf === text ? spans : spans.filter(([from, to]) => spansOf.slice(from, to) === text.slice(from, to));
    for (const [from, to] of [...areas, ...marks]) edges.add(from).add(to);
    const cuts = [...edges].sort((a, b) => a - b);
    const fragment = document.createDocumentFragment();
    for (let index = 0; index + 1 < cuts.length; index += 1) {
      const [from, to] = [cuts[index], cuts[index + 1]];
      const inside = ([first, last]) => first <= from && to <= last;
      const mark = marks.find(inside);
      const area = areas.find(inside);
      const words = text.slice(from, to);
      const coloured = area ? piece(words, area[2]) : document.createTextNode(words);
      if (mark) {
        const marked = piece("", mark[2], "mark");
        marked.append(coloured);
        fragment.append(marked);
      } else fragment.append(coloured);
    }
    fragment.append("\n");
    return fragment;
  }

  const grows = CSS.supports("field-sizing", "content");

  function paint() {
    ink.replaceChildren(colour(body.value));
    if (!grows) {
      body.style.height = "auto";
      body.style.height = `${body.scrollHeight + 2}px`;
    }
  }

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
    root.classList.add("unsaved");
    say(["Not saved yet"]);
    clearTimeout(timer);
    timer = setTimeout(() => keep(), PAUSE);
  }

  function pressed(name, value) {
    const data = new FormData(form);
    data.set("reader", document.getElementById("reader").value);
    data.set("show", look.querySelector('[aria-pressed="true"]').value);
    if (name) data.set(name, value);
    return data;
  }

  async function keep(name, value) {
    clearTimeout(timer);
    asking?.abort();
    const mine = (asking = new AbortController());
    const sent = body.value;
    let answer;
    form.dispatchEvent(new Event("ksu:keeping"));
    try {
      const response = await fetch(form.dataset.draft, {
        method: "POST",
        body: pressed(name, value),
        headers: { Accept: "application/json" },
        signal: mine.signal,
        redirect: "error",
      });
      if (!response.ok) throw new Error(String(response.status));
      answer = await response.json();
    } catch {
      return; // a newer question, or no desk: keeping.js keeps the words, says so, and asks again
    }
    kept = true;
    show(answer, sent);
    form.dispatchEvent(new CustomEvent("ksu:kept", { detail: answer }));
  }

  function show(answer, sent) {
    for (const [name, words] of Object.entries(answer.fields)) form.elements[name].value = words;
    document.getElementById("findings").innerHTML = answer.findings;
    document.getElementById("inbox").innerHTML = answer.inbox;
    document.getElementById("arrives").innerHTML = answer.arrives;
    document.getElementById("weight").textContent = answer.weight.trim();
    root.classList.toggle("unsaved", answer.kept);
    say(answer.kept ? ["Kept, not saved yet"] : savedWords);
    spans = answer.spans;
    spansOf = answer.fields.body === undefined ? sent : body.value;
    paint();
    for (const input of form.querySelectorAll("[data-count]")) count(input);
    // replace() and not src: going back in the browser leaves the page, not the last keystroke.
    frame.contentWindow.location.replace(new URL(answer.url, location.href));
  }

  // --- what is pressed ----------------------------------------------------------------------------------------------

  document.addEventListener("click", (event) => {
    const button = event.target.closest('button[form="letter"]');
    if (!button) return;
    event.preventDefault();
    if (button.name === "show") {
      for (const tab of look.querySelectorAll(".tabs button")) tab.setAttribute("aria-pressed", String(tab === button));
      look.className = `look as-${button.value}`;
      keep();
    } else if (button.name === "mend") keep("mend", button.value);
  });

  document.getElementById("reader").addEventListener("change", () => keep());

  form.addEventListener("input", (event) => {
    if (event.target === body) paint();
    if (event.target.dataset.count) count(event.target);
    typed();
  });

  // What comes from a word processor or a page is cleaned first; what has no form of its own is pasted as it is.
  const FORMED = /<(h[1-6]|p|li|b|strong|i|em|a|blockquote)[\s>]/i;

  body.addEventListener("paste", async (event) => {
    const html = event.clipboardData.getData("text/html");
    if (!FORMED.test(html)) return;
    event.preventDefault();
    let words = event.clipboardData.getData("text/plain");
    try {
      const data = new FormData();
      data.set("csrfmiddlewaretoken", form.elements.csrfmiddlewaretoken.value);
      data.set("html", html);
      const response = await fetch(form.dataset.paste, { method: "POST", body: data, redirect: "error" });
      if (response.ok) words = (await response.json()).markdown.replace(/\n$/, "");
    } catch {
      say(["Pasted as plain text: the desk does not answer."]);
    }
    body.focus();
    // The only way to insert that the browser can undo.
    document.execCommand("insertText", false, words);
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

  // On a phone the days run sideways: begin at the one that is open.
  const here = document.querySelector(".line .now");
  here.parentElement.scrollLeft = here.offsetLeft - 16;

  if (document.getElementById("kept")) root.classList.add("unsaved");
  paper.classList.add("inked");
  paint();
  for (const input of form.querySelectorAll("[data-count]")) count(input);
})();
