// New letters appear by themselves. Without this script the page works too: reload it.
const list = () => document.querySelector("main[data-live=yes]");

async function look() {
  const shown = list();
  if (!shown || document.hidden || shown.contains(document.activeElement)) return;
  const question = new URLSearchParams(location.search);
  question.set("after", shown.dataset.newest);
  const answer = await fetch(`/api/messages?${question}`).catch(() => null);
  if (!answer?.ok || !(await answer.json()).length) return;
  const page = await fetch(location.href).catch(() => null);
  if (!page?.ok) return;
  const fresh = new DOMParser().parseFromString(await page.text(), "text/html");
  shown.replaceWith(fresh.querySelector("main"));
  document.title = fresh.title;
}

setInterval(look, 1500);
