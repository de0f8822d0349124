// Pictures that are pasted or dropped into the letter, or chosen below it: kept at the desk, shown where the cursor is.
import { EditorView } from "../vendor/codemirror.js";

const filesOf = (data) => [...(data?.files ?? [])].filter((file) => file.type.startsWith("image/"));

/** Put Markdown in at the cursor; without words for those who can't see it, the cursor waits where they belong. */
export function show(view, markdown) {
  const { from } = view.state.selection.main;
  const change = view.state.replaceSelection(markdown);
  const place = markdown.startsWith("![]") ? from + 2 : from + markdown.length;
  view.dispatch(change, { selection: { anchor: place }, userEvent: "input.paste", scrollIntoView: true });
  view.focus();
}

/** `keep(file)` resolves to Markdown, or to null where the desk does not take it; it says why. */
export function takePictures(keep) {
  async function take(view, files) {
    for (const file of files) {
      const markdown = await keep(file, "");
      if (markdown) show(view, markdown);
    }
  }
  return EditorView.domEventHandlers({
    paste(event, view) {
      // A word processor sends a picture of the words along with them.
      if (!filesOf(event.clipboardData).length || event.clipboardData.getData("text/html")) return false;
      event.preventDefault();
      take(view, filesOf(event.clipboardData));
      return true;
    },
    drop(event, view) {
      if (!filesOf(event.dataTransfer).length) return false;
      event.preventDefault();
      const at = view.posAtCoords({ x: event.clientX, y: event.clientY });
      if (at !== null) view.dispatch({ selection: { anchor: at } });
      take(view, filesOf(event.dataTransfer));
      return true;
    },
  });
}
