// The letter's words in CodeMirror: Markdown in colour, merge fields offered, findings at their place, undo.
// The textarea stays the form's: it always holds the same words and says `input` when they change, so whatever listens
// to the form needs to know nothing of the editor.
import {
  Annotation,
  ChangeSet,
  Decoration,
  EditorState,
  EditorView,
  HighlightStyle,
  MatchDecorator,
  ViewPlugin,
  autocompletion,
  commonmarkLanguage,
  completionKeymap,
  deleteMarkupBackward,
  history,
  historyKeymap,
  insertNewlineContinueMarkup,
  keymap,
  standardKeymap,
  syntaxHighlighting,
  tags,
} from "../vendor/codemirror.js";
import { findings, placeOf, underline } from "./findings.js";
import { markup } from "./markup.js";
import { fieldsOffered } from "./mergefields.js";
import { cleanPaste } from "./pasting.js";
import { show, takePictures } from "./picturing.js";

const INK = HighlightStyle.define([
  { tag: tags.heading, class: "ink-heading" },
  { tag: tags.strong, class: "ink-strong" },
  { tag: tags.emphasis, class: "ink-emphasis" },
  { tag: [tags.link, tags.url], class: "ink-link" },
  { tag: [tags.processingInstruction, tags.contentSeparator], class: "ink-mark" },
]);

const FIELD = new MatchDecorator({
  regexp: /\{\{[^{}\n]*\}\}/g,
  decoration: Decoration.mark({ class: "ink-field", attributes: { spellcheck: "false" } }),
});

const inkedFields = ViewPlugin.define(
  (view) => ({
    decorations: FIELD.createDeco(view),
    update(update) {
      this.decorations = FIELD.updateDeco(update, this.decorations);
    },
  }),
  { decorations: (plugin) => plugin.decorations },
);

// Over words that have a colour, Chromium types in that colour: with a style attribute, which the page's policy stops
// and says so. So what is typed over a selection is put in here.
const typedOver = EditorView.domEventHandlers({
  beforeinput(event, view) {
    const over = event.inputType === "insertText" && event.data && !view.state.selection.main.empty;
    if (!over || view.composing || !event.cancelable) return false;
    view.dispatch(view.state.replaceSelection(event.data), { userEvent: "input.type", scrollIntoView: true });
    return true;
  },
});

const byTextarea = Annotation.define();

/** The smallest change that makes `now` of `before`, so that the cursor stays and one Undo takes it back. */
function difference(before, now) {
  const most = Math.min(before.length, now.length);
  let from = 0;
  while (from < most && before[from] === now[from]) from += 1;
  let same = 0;
  while (same < most - from && before.at(-1 - same) === now.at(-1 - same)) same += 1;
  return { from, to: before.length - same, insert: now.slice(from, now.length - same) };
}

/**
 * Put the editor in the textarea's place. `mend(key)` is called with a finding's name where its way out is pressed,
 * `paste(html)` turns a word processor's HTML into Markdown, `picture(file, words)` a file into the Markdown that shows
 * it, `fields` are the merge fields to offer.
 */
export function edit(textarea, { fields, label, description, mend, nonce, paste, picture }) {
  const plain = Object.getOwnPropertyDescriptor(HTMLTextAreaElement.prototype, "value");
  const unread = new Set();

  const hand = EditorView.updateListener.of((update) => {
    if (!update.docChanged) return;
    for (const reading of unread) reading.changes = reading.changes.compose(update.changes);
    if (update.transactions.some((transaction) => transaction.annotation(byTextarea))) return;
    plain.set.call(textarea, update.state.doc.toString());
    textarea.dispatchEvent(new Event("input", { bubbles: true }));
  });

  const view = new EditorView({
    state: EditorState.create({
      doc: textarea.value,
      extensions: [
        nonce ? EditorView.cspNonce.of(nonce) : [],
        history(),
        commonmarkLanguage,
        syntaxHighlighting(INK),
        inkedFields,
        findings(mend),
        autocompletion({ override: [fieldsOffered(fields)], icons: false }),
        takePictures(picture),
        cleanPaste(paste),
        typedOver,
        keymap.of([
          ...markup,
          { key: "Enter", run: insertNewlineContinueMarkup },
          { key: "Backspace", run: deleteMarkupBackward },
          ...completionKeymap,
          ...historyKeymap,
          ...standardKeymap,
        ]),
        EditorView.lineWrapping,
        EditorView.contentAttributes.of({
          "aria-labelledby": label.id,
          "aria-describedby": description.id,
          spellcheck: "true",
          autocapitalize: "sentences",
          autocorrect: "on",
        }),
        hand,
      ],
    }),
  });

  function take(words) {
    const before = view.state.doc.toString();
    if (words === before) return;
    view.dispatch({
      changes: difference(before, words),
      annotations: byTextarea.of(true),
      userEvent: "input.replace",
      scrollIntoView: false,
    });
  }

  // Whoever writes into the textarea by script writes into the editor.
  Object.defineProperty(textarea, "value", {
    configurable: true,
    get: plain.get,
    set(words) {
      plain.set.call(textarea, words);
      take(plain.get.call(textarea));
    },
  });
  // Browsers put back what stood in a form when somebody goes back to it, without saying so.
  addEventListener("pageshow", () => take(textarea.value));

  // The textarea speaks for the editor: what the browser says about the editor's own element is not the form's.
  view.dom.addEventListener("input", (event) => event.stopPropagation());
  textarea.before(view.dom);
  textarea.hidden = true;
  label.removeAttribute("for");

  return {
    /** Remember the words as they are now; the answer about them is fitted to what they are by then. */
    reading() {
      const words = view.state.doc.toString();
      const asked = { changes: ChangeSet.empty(words.length) };
      unread.add(asked);
      return {
        found(underlines) {
          unread.delete(asked);
          underline(view, underlines, asked.changes);
        },
        /** The words as they are mended, and what is found in those; what was typed meanwhile stays. */
        mended(now, underlines) {
          unread.delete(asked);
          const mend = ChangeSet.of(difference(words, now), words.length);
          const since = asked.changes.map(mend, true);
          view.dispatch({ changes: mend.map(asked.changes), userEvent: "input.mend" });
          underline(view, underlines, since);
        },
        unheard: () => unread.delete(asked),
      };
    },
    show: (markdown) => show(view, markdown),
    /** Select the words a finding is about, to write on there. */
    go(key) {
      const place = placeOf(view.state, key);
      view.focus();
      if (place) view.dispatch({ selection: { anchor: place.from, head: place.to }, scrollIntoView: true });
    },
    underline: (underlines) => underline(view, underlines, ChangeSet.empty(view.state.doc.length)),
  };
}
