// What the proofreader found, at its place in the words: underlined, said where the cursor or the pointer rests, with
// its way out. F8 goes to the next one, Ctrl+. mends the one at the cursor.
import {
  EditorView,
  StateField,
  forEachDiagnostic,
  keymap,
  linter,
  nextDiagnostic,
  previousDiagnostic,
  setDiagnostics,
  showTooltip,
} from "../vendor/codemirror.js";

const SEVERITIES = { block: "error", warn: "warning", note: "info" };
const MAC = /Mac|iP(hone|ad)/.test(navigator.platform);

function diagnosticAt(state, place) {
  let found = null;
  forEachDiagnostic(state, (diagnostic, from, to) => {
    if (from <= place && place <= to && (!found || to - from < found.to - found.from)) found = { diagnostic, from, to };
  });
  return found;
}

function element(tag, name, ...children) {
  const made = document.createElement(tag);
  if (name) made.className = name;
  made.append(...children);
  return made;
}

function said({ what, says, word, tone }) {
  return element("div", "says", element("span", `pill ${tone}`, word), " ", element("b", "", what), element("span", "", says));
}

/** Findings in the editor's own form; `mend` is kept in each, for the keys. */
function diagnosticsOf(underlines, changes, mend) {
  const diagnostics = [];
  for (const found of underlines) {
    // What was written over since the proofreader looked is not what it found.
    if (found.end > changes.length || changes.touchesRange(found.start, found.end)) continue;
    diagnostics.push({
      from: changes.mapPos(found.start, 1),
      to: changes.mapPos(found.end, -1),
      key: found.key,
      severity: SEVERITIES[found.severity],
      message: `${found.word}: ${found.what} ${found.says}`,
      renderMessage: () => said(found),
      actions: found.mend ? [{ name: found.mend, apply: () => mend(found.key) }] : [],
    });
  }
  return diagnostics;
}

// A phone has no pointer to rest, and a keyboard none at all: where the cursor is put, the finding is said too.
const atCursor = StateField.define({
  create: () => null,
  update(shown, transaction) {
    if (transaction.docChanged) return null;
    if (!transaction.selection) return shown;
    const { from, to } = transaction.state.selection.main;
    const found = diagnosticAt(transaction.state, from);
    return found && to <= found.to ? { pos: found.from, end: found.to, create: () => tip(found) } : null;
  },
  provide: (field) => showTooltip.from(field),
});

function tip({ diagnostic }) {
  const told = element("div", "cm-diagnostic", diagnostic.renderMessage());
  for (const action of diagnostic.actions) {
    const button = element("button", "cm-diagnosticAction", action.name);
    button.type = "button";
    button.title = MAC ? "⌘." : "Ctrl+.";
    button.addEventListener("click", () => action.apply());
    told.append(button);
  }
  return { dom: element("div", "cm-finding", told) };
}

function say(view) {
  const found = diagnosticAt(view.state, view.state.selection.main.from);
  if (found) view.dispatch({ effects: EditorView.announce.of(found.diagnostic.message) });
}

const going = (step) => (view) => {
  const went = step(view);
  if (went) say(view);
  return went;
};

function mendHere(view) {
  const found = diagnosticAt(view.state, view.state.selection.main.from);
  const action = found?.diagnostic.actions[0];
  action?.apply();
  return Boolean(action);
}

let mending = null;

/** The editor's part that shows findings; `mend(key)` is called where a way out is pressed. */
export function findings(mend) {
  mending = mend;
  return [
    linter(null, {
      tooltipFilter: (all, state) => (state.field(atCursor) ? [] : all),
    }),
    atCursor,
    keymap.of([
      { key: "F8", run: going(nextDiagnostic), preventDefault: true },
      { key: "Shift-F8", run: going(previousDiagnostic), preventDefault: true },
      { key: "Mod-.", run: mendHere, preventDefault: true },
    ]),
  ];
}

/** Underline what was found; `changes` are those that were made to the words since the proofreader looked at them. */
export function underline(view, underlines, changes) {
  view.dispatch(setDiagnostics(view.state, diagnosticsOf(underlines, changes, mending)));
}

/** Where the finding of that name stands now, or null. */
export function placeOf(state, key) {
  let place = null;
  forEachDiagnostic(state, (diagnostic, from, to) => {
    if (diagnostic.key === key) place = { from, to };
  });
  return place;
}
