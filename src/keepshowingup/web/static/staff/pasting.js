// What is pasted from a word processor or a page is cleaned first; what has no form of its own is pasted as it is.
import { EditorView } from "../vendor/codemirror.js";

const FORMED = /<(h[1-6]|p|li|b|strong|i|em|a|blockquote)[\s>]/i;

/** `paste(html)` resolves to Markdown, or to null where it could not be had. */
export function cleanPaste(paste) {
  return EditorView.domEventHandlers({
    paste(event, view) {
      const html = event.clipboardData?.getData("text/html") ?? "";
      if (!FORMED.test(html)) return false;
      const plain = event.clipboardData.getData("text/plain");
      event.preventDefault();
      paste(html).then((markdown) => {
        view.dispatch(view.state.replaceSelection(markdown ?? plain), { userEvent: "input.paste", scrollIntoView: true });
      });
      return true;
    },
  });
}
